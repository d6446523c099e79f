"""The kinds of syntax-tree nodes that a statement may consist of, as data: what is not named here is refused.

sqlglot has more than a thousand kinds. Those below read, compute, name or shape; every kind that writes, locks,
sets, loads, calls a model, reads a file, a stage or a sequence is absent, and so is `Command` (text that the parser
did not understand). Some kinds carry arguments that would widen them; `ARGUMENTS` lists what is allowed there.
"""

from __future__ import annotations

from sqlglot import exp

ROOTS: dict[type[exp.Expr], str] = {
    exp.Select: "select",
    exp.Union: "set operation",
    exp.Except: "set operation",
    exp.Intersect: "set operation",
    exp.Subquery: "select",
    exp.Values: "values",
    exp.Pivot: "pivot",
}

_SHAPES = """
Select Union Except Intersect Subquery Values From Where Group Having Qualify Order Ordered Limit Offset
Fetch LimitOptions Join With CTE RecursiveWithSearch Table TableAlias Lateral Unnest TableFromRows
TableSample Alias Aliases Column Identifier Star Dot Paren Tuple Window WindowSpec WithinGroup Filter
IgnoreNulls RespectNulls HavingMax Distinct Cube Rollup GroupingSets Pivot PivotAlias PivotAny
UnpivotColumns Summarize PreWhere Final Connect Prior Cluster Distribute Sort Version HistoricalData MatchRecognize
MatchRecognizeMeasure WithFill All Any Exists Boolean Literal Null National RawString ByteString HexString
BitString UnicodeString Introducer Var DataType DataTypeParam Interval IntervalSpan Kwarg PropertyEQ Lambda
Comprehension Slice Bracket Collate CharacterSet PositionalColumn Columns ConnectByRoot ColumnDef
JSONColumnDef JSONSchema JSONValue JSONKeyValue JSONExtractQuote NestedJSONSelect OpenJSONColumnDef
FormatJson OnCondition OverflowTruncateBehavior JSONPath JSONPathFilter JSONPathKey JSONPathPart
JSONPathRecursive JSONPathRoot JSONPathScript JSONPathSelector JSONPathSlice JSONPathSubscript JSONPathUnion
JSONPathWildcard Pseudocolumn ForClause QueryOption TranslateCharacters Schema XMLNamespace
XMLKeyValueOption ColumnConstraint PathColumnConstraint TableColumn Variadic _TimeUnit WeekStart OpenJSON
JSON Heredoc AtIndex Partition
"""

_OPERATORS = """
Add Sub Mul Div IntDiv Mod DPipe Neg BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitwiseLeftShift
BitwiseRightShift And Or Xor Not EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is In Between Like ILike
SimilarTo Escape Glob Match RegexpLike RegexpILike Overlaps Adjacent ExtendsLeft ExtendsRight Distance
DistanceNd Operator ArrayContains ArrayContainsAll ArrayContainedBy ArrayOverlaps JSONExtract JSONExtractScalar
JSONBExtract JSONBExtractScalar JSONBContains JSONBContainsAllTopKeys JSONBContainsAnyTopKeys
JSONBDeleteAtPath JSONBExists JSONArrayContains AtTimeZone FromTimeZone Cast TryCast JSONCast Case If Concat
ConcatWs Extract Trim Substring Overlay StrPosition
"""

_FUNCTIONS = """
Abs Acos Acosh AddMonths Anonymous AnonymousAggFunc AnyValue Apply ApproxDistinct ApproxPercentileAccumulate
ApproxPercentileCombine ApproxPercentileEstimate ApproxQuantile ApproxQuantiles ApproxTopK
ApproxTopKAccumulate ApproxTopKCombine ApproxTopKEstimate ApproxTopSum ApproximateSimilarity ArgMax ArgMin
Array ArrayAgg ArrayAll ArrayAny ArrayAppend ArrayCompact ArrayConcat ArrayConcatAgg ArrayConstructCompact
ArrayDistinct ArrayExcept ArrayFilter ArrayFirst ArrayInsert ArrayIntersect ArrayLast ArrayMax ArrayMin
ArrayPosition ArrayPrepend ArrayRemove ArrayRemoveAt ArrayReverse ArraySize ArraySlice ArraySort ArraySum
ArrayToString ArrayUnionAgg ArrayUniqueAgg ArraysZip Ascii Asin Asinh Atan Atan2 Atanh Avg
Base64DecodeBinary Base64DecodeString Base64Encode BitLength BitmapBitPosition BitmapBucketNumber
BitmapConstructAgg BitmapCount BitmapOrAgg BitwiseAndAgg BitwiseCount BitwiseOrAgg BitwiseXorAgg Booland
Boolnot Boolor BoolxorAgg ByteLength CastToStrType Cbrt Ceil CheckJson CheckXml Chr CityHash64 Coalesce
CodePointsToBytes CodePointsToString Collation CombinedAggFunc CombinedParameterizedAgg Compress Contains
Convert ConvertTimezone ConvertToCharset Corr Cos Cosh CosineDistance Cot Coth Count CountIf CovarPop
CovarSamp Csc Csch CumeDist CurrentDate CurrentDatetime CurrentTime CurrentTimestamp CurrentTimestampLTZ
CurrentTimezone Date DateAdd DateBin DateDiff DateFromParts DateFromUnixDate DateStrToDate DateSub
DateToDateStr DateToDi DateTrunc Datetime DatetimeAdd DatetimeDiff DatetimeSub DatetimeTrunc Day DayOfMonth
DayOfWeek DayOfWeekIso DayOfYear Dayname Decode DecodeCase DecompressBinary DecompressString Degrees
DenseRank DiToDate DotProduct Elt Encode EndsWith EqualNull EuclideanDistance Exp Explode
ExplodingGenerateSeries Factorial FarmFingerprint First FirstValue Flatten Float64 Floor Format FromBase
FromBase32 FromBase64 FromISO8601Date FromISO8601Timestamp GapFill GenerateDateArray GenerateSeries
GenerateTimestampArray Generator GetExtract GetIgnoreCase Getbit Greatest GroupConcat Grouping GroupingId
HashAgg Hex HexDecodeString Hll Host Hour Initcap Inline Int64 IsArray IsAscii IsInf IsNan IsNullValue
JSONArray JSONArrayAgg JSONArrayAppend JSONArrayInsert JSONBObjectAgg JSONBPathExists JSONBool JSONExists
JSONExtractArray JSONFormat JSONKeys JSONKeysAtDepth JSONObject JSONObjectAgg JSONRemove JSONSet
JSONStripNulls JSONTable JSONType JSONValueArray JarowinklerSimilarity JustifyDays JustifyHours
JustifyInterval Kurtosis Lag Last LastDay LastValue LaxBool LaxFloat64 LaxInt64 LaxString Lead Least Left
Length Levenshtein List Ln Localtime Localtimestamp Log LogicalAnd LogicalOr Lower LowerHex MD5 MD5Digest
MD5NumberLower64 MD5NumberUpper64 MakeInterval ManhattanDistance Map MapCat MapContainsKey MapDelete
MapFromEntries MapInsert MapKeys MapPick MapSize MatchAgainst Max Median Min Minhash MinhashCombine Minute
Mode Month Monthname MonthsBetween NetFunc NextDay Normal Normalize NthValue Ntile Nullif NumberToStr Nvl2
ObjectAgg ObjectInsert Pad ParameterizedAgg ParseBignumeric ParseDatetime ParseIp ParseJSON ParseNumeric
ParseTime ParseUrl PercentRank PercentileCont PercentileDisc Pi Posexplode PosexplodeOuter Pow PreviousDay
Quantile Quarter Radians Rand Randn Randstr RangeBucket RangeN Rank Reduce RegDomain RegexpCount
RegexpExtract RegexpExtractAll RegexpFullMatch RegexpInstr RegexpReplace RegexpSplit RegrAvgx RegrAvgy
RegrCount RegrIntercept RegrR2 RegrSlope RegrSxx RegrSxy RegrSyy RegrValx RegrValy Repeat Replace Reverse
Right Round RowNumber RtrimmedLength SHA SHA1Digest SHA2 SHA2Digest SafeAdd SafeConvertBytesToString
SafeDivide SafeFunc SafeMultiply SafeNegate SafeSubtract Search SearchIp Sec Sech Second Seq1 Seq2 Seq4 Seq8
Sign Sin Sinh Skewness SortArray Soundex SoundexP123 Space Split SplitPart Sqrt StDistance StPoint
StandardHash StarMap StartsWith Sum Stddev StddevPop StddevSamp StrToDate StrToMap StrToTime StrToUnix
String StringToArray StripNullValue Strtok StrtokToArray Struct StructExtract Stuff SubstringIndex
Systimestamp Tan Tanh Time TimeAdd TimeDiff TimeFromParts TimeSlice TimeStrToDate TimeStrToTime
TimeStrToUnix TimeSub TimeToStr TimeToTimeStr TimeToUnix TimeTrunc Timestamp TimestampAdd TimestampDiff
TimestampFromParts TimestampLtzFromParts TimestampSub TimestampTrunc TimestampTzFromParts ToArray ToBase32
ToBase64 ToBinary ToBoolean ToChar ToCodePoints ToDays ToDecfloat ToDouble ToMap ToNumber ToVariant
Transform Translate Trunc Try TryBase64DecodeBinary TryBase64DecodeString TryHexDecodeBinary
TryHexDecodeString TryToDecfloat TsOrDiToDi TsOrDsAdd TsOrDsDiff TsOrDsToDate TsOrDsToDateStr
TsOrDsToDatetime TsOrDsToTime TsOrDsToTimestamp Typeof Unhex Unicode Uniform UnixDate UnixMicros UnixMillis
UnixSeconds UnixToStr UnixToTime UnixToTimeStr Upper UtcDate UtcTime UtcTimestamp Uuid VarMap Variance
VariancePop Week WeekOfYear WidthBucket XMLElement XMLGet XMLTable Year YearOfWeek YearOfWeekIso Zipf
_ExplodeOuter
"""

_NAMES = frozenset((_SHAPES + _OPERATORS + _FUNCTIONS).split())


def _subclasses(root: type[exp.Expr]) -> list[type[exp.Expr]]:
    found = []
    stack = [root]
    while stack:
        kind = stack.pop()
        found.append(kind)
        stack.extend(kind.__subclasses__())
    return found


ALLOWED: frozenset[type[exp.Expr]] = frozenset(
    kind
    for kind in _subclasses(exp.Expr)
    if kind.__name__ in _NAMES and kind.__module__.startswith("sqlglot")
)

MADE_BY_SYNTAX: frozenset[type[exp.Expr]] = frozenset(
    kind
    for kind in ALLOWED
    if kind.__name__
    in frozenset(
        (
            _SHAPES
            + _OPERATORS
            + """GroupConcat MatchAgainst DecodeCase Quantile ApproxQuantile Struct Array ToMap Apply Explode
            CastToStrType SafeFunc NetFunc TsOrDsToDate TsOrDsToTimestamp TsOrDsToDatetime TimeStrToTime
            StrToTime DateStrToDate
            JSONObject JSONObjectAgg JSONArray JSONArrayAgg JSONTable JSONExists JSONBPathExists XMLTable OpenJSON"""
        ).split()
    )
)
"""Kinds that literals, operators and clauses make, or that sqlglot's own parsers make out of a name that is checked as
it was written (`own_parsers`): a node of them without a name is no call of a function of that name."""

_MODIFIERS = """joins laterals pivots prewhere where group having qualify windows distribute sort cluster order limit
offset sample connect match"""

ARGUMENTS: dict[type[exp.Expr], frozenset[str]] = {
    exp.Select: frozenset(f"with_ kind expressions distinct from_ exclude for_ options {_MODIFIERS}".split()),
    exp.Subquery: frozenset(f"this alias with_ {_MODIFIERS}".split()),
    exp.Table: frozenset(
        """this alias db catalog laterals joins pivots system_time version ordinality when only rows_from sample
        partition""".split()
    ),
    exp.Pivot: frozenset(
        """this alias expressions fields unpivot using group columns include_nulls default_on_null with_
        identify_pivot_strings prefixed_pivot_columns pivot_column_naming""".split()
    ),
    exp.Join: frozenset(
        "this on side kind using method global_ match_condition expressions pivots directed".split()
    ),
    exp.In: frozenset("this expressions query unnest field is_global".split()),
    exp.Summarize: frozenset({"this"}),
}
for _kind in (exp.Union, exp.Except, exp.Intersect):
    ARGUMENTS[_kind] = frozenset(f"with_ this expression distinct by_name side kind on {_MODIFIERS}".split())
"""Kinds that may carry only these arguments: INTO, locks, hints, SETTINGS, stages are absent."""

PROBES: dict[str, str] = {
    "into": "INTO writes the result somewhere",
    "locks": "it locks rows",
    "hint": "hints are refused",
    "hints": "table hints are refused",
    "operation_modifiers": "modifiers of SELECT are refused",
    "settings": "SETTINGS changes the session",
    "format": "FORMAT is refused",
}
"""What to tell people about the more usual of the others."""
