"""What is being asked: a question in English as an intent and the words that fill it, without any model.

The rules are a table of patterns over a cleaned question, the most specific first. Cleaning takes politeness away,
expands contractions, keeps quoted text apart and mends typing errors in the few words that the rules know; names of
tables are never touched. What no rule knows is an `about`: search for it and be honest. It is one file because a rule
and the cleaning that it counts on are read together.
"""

# ruff: noqa: E501 - one rule is one line: broken up they cannot be read beside each other

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rapidfuzz.distance import DamerauLevenshtein

from plugin.providers.builtin.how_tested import how_tested
from plugin.providers.builtin.how_used import how_used
from plugin.providers.builtin.negation import negated, unread
from plugin.providers.builtin.over_time import over_time
from plugin.providers.builtin.tongues import english_words, language_of
from plugin.providers.builtin.what_breaks import what_breaks


@dataclass(frozen=True, slots=True)
class Intent:
    """What is asked (`name`) and the phrases in it; `quoted` maps «1» in a phrase back to the text in quotes."""

    name: str
    slots: Mapping[str, str] = field(default_factory=dict)
    question: str = ""
    quoted: Mapping[str, str] = field(default_factory=dict)

    def slot(self, name: str) -> str:
        """One phrase, with quoted text put back; empty where the question does not say it."""
        return self.unquote(self.slots.get(name) or "")

    def unquote_marks(self) -> str:
        """The slot of a data question with its quotes still marked: values must not be read as words."""
        change = self.slots.get("change")
        text = self.slots.get("s") or self.question
        if not change:
            return text
        kept = re.sub(r"\s+(?:per|by|for each|grouped by|group by)\s+[\w ]+$", "", text, flags=re.I)
        return f"{kept} by {change}"

    def unquote(self, text: str) -> str:
        """The text with what stood in quotes."""
        for mark, original in self.quoted.items():
            text = text.replace(mark, original)
        return text.strip()


KINDS = {
    "database": "database", "schema": "schema", "schemata": "schema", "table": "table", "view": "view",
    "column": "column", "field": "column", "dashboard": "dashboard", "chart": "chart", "model": "model",
    "metric": "metric", "job": "job", "term": "term", "definition": "term", "document": "document", "query": "query",
    "integration": "integration", "source": "integration", "connection": "integration", "report": "dashboard",
    "exposure": "dashboard",
}  # fmt: skip
_KIND = (
    r"(?:databases?|schemas?|schemata|tables?|views?|columns?|fields?|dashboards?|charts?|models?|metrics?|jobs?|terms?"
    r"|documents?|integrations?|sources?|data ?sources?|connections?|reports?|exposures?|tables and views|views and tables)"
)

_VOCABULARY = sorted(
    set(
        """about average belongs between breaks calculated change changed changes column columns comes connected connection contain
        contains contact count dashboard dashboards database databases define defined definition delete deleted depend dependencies
        depends describe described description descriptions difference document documents documentation documented downstream drop
        explain feeds fields find foreign frequent fresh freshness glossary greatest highest impact integration
        integrations join joined joins largest latest lineage lowest maintains many mean meaning means missing nullable
        number owned owner owners owns personal popular popularity primary frequency insert queries query recently related relationship
        responsible schema schemas sensitive show source sources structure table tables tagged total type types
        queried unused usually frequently undocumented unowned update updated upstream verified view views what where which without write""".split()
    )
)
_COMMON = frozenset(
    """that this than then there these those they them were have here some come same such when with want into over
    only also more most name names list last late made make time date data does done down each even ever find from give
    good goes help just keep kind know left less like line live look main make mine must need next none once open orders
    order other part past path plan play real road role room sale sales self sent side size sort spend state still
    store stock sum take tell term terms text three town turn user users unit used uses using very week went well
    will word work year your customer customers country counts price prices shop shops owned showing tablet writes
    while white whole whose depot mainly means meant feels views viewed reviews typed tyres stable cable tribe""".split()
)

_POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|ok|okay|so|well|and now|now|then|docent)[,!. ]+)*"
    r"(?:(?:please|kindly|quickly|just)\s+)?"
    r"(?:(?:can|could|would|will) (?:you|u)(?: please)? (?:tell me |show me |give me |help me (?:to )?|find out |"
    r"explain |say |let me know |see |get )?(?:to )?(?=\w)|(?:can|could) (?:i|we) (?:get|see|have|know) (?=\w)"
    r"|(?:i|we) (?:want|need|would like|'d like|wish) to (?:know|see|understand|find out|learn) "
    r"|(?:do|does) (?:you|anyone|anybody|someone|somebody) know (?:if |whether )?|any idea |tell me |let me know |i wonder "
    r"|i am wondering |i'm wondering |please |pls )*",
    re.I,
)
_CONTRACTIONS = (
    (r"\bwhat'?s\b", "what is"), (r"\bwho'?s\b", "who is"), (r"\bwhere'?s\b", "where is"), (r"\bhow'?s\b", "how is"),
    (r"\bwhich'?s\b", "which is"), (r"\bthat'?s\b", "that is"), (r"\bit'?s\b(?=\s+(?:a|the|in)\b)", "it is"),
    (r"\bdon'?t\b", "do not"), (r"\bdoesn'?t\b", "does not"), (r"\bdidn'?t\b", "did not"), (r"\bisn'?t\b", "is not"),
    (r"\baren'?t\b", "are not"), (r"\bhaven'?t\b", "have not"), (r"\bhasn'?t\b", "has not"), (r"\bi'?d\b", "i would"),
    (r"\bwhat're\b", "what are"), (r"\bwhats\b", "what is"), (r"\btbl(s?)\b", r"table\1"), (r"\bcols?\b", "columns"),
    (r"^descr?(?= (?!of\b|for\b)\w)", "describe"), (r"\bdescr?\b", "description"),
    (r"\b(tables?|views?|columns?|fields?|schemas?)((?: in \S+)?(?: (?:that|which))?(?: (?:are|have|has))?) (without|no|with no|missing|lacking)( any| a)? comments?\b", r"\1\2 \3\4 description"),
 (r"\bpk\b", "primary key"), (r"\bfks?\b", "foreign keys"),
    (r"(?:,? (?:and|with)) (?:what (?:data )?types? (?:are they|do they have|they have|they are)|(?:(?:their|the|its|what) )?(?:data )?types?)$", ""),
    (r"^((?:what|which) is |show me |find )?the (most|least) (expensive|costly|valuable)\b", r"\1the 1 \2 \3"),
    (r"^((?:what|which) are |show me |show |list |find )?(?:the )?(most expensive|cheapest) (?=[a-z_.]+s$)", r"\1the 10 \2 "),
    (r"^(.*\b(?:lineage|upstream|downstream|trace|dependencies)\b.*?) (?:in (?:both|all) directions|both ways|upstream and downstream|end[ -]to[ -]end|(?:\d+|one|two|three|four|five) (?:levels?|hops?|steps?)(?: (?:deep|up|down|up and down|away))?)$", r"\1"),
    (r"\bdbt (?=models?\b|metrics?\b|sources?\b|exposures?\b)", ""),
    (r"\bdb\b", "database"), (r"\bdiff\b", "difference"), (r"\binfo\b", "information"), (r"\bbreak\b", "breaks"),
)  # fmt: skip
_QUOTED = re.compile(r"`([^`\n]+)`|\"([^\"\n]+)\"|“([^”\n]+)”|(?<![\w])'([^'\n]+)'(?![\w])|‘([^’\n]+)’")
_S = r"(?P<s>.+?)"
_OF = r"(?:of|for|on|in|about|from|to)"
_IN = r"(?:(?: (?:are |is )?(?:there )?)?(?:in|under|of|within|inside|from) (?:the )?(?P<in>.+?))?"
_NUM = r"(?:(?:top|first|the) )?(?P<n>\d+ )?"

# (intent, pattern). The pattern must match the whole cleaned question.
_RULES: tuple[tuple[str, str], ...] = (
    ("thanks", r"(?:danke(?: dir| schön| sehr| euch)?|merci(?: beaucoup)?|(?:muchas )?gracias)|(?:thanks?|thank you|thx|ty|cheers|great|perfect|cool|nice|ok|okay|super|good job|well done|awesome|got it|bye|goodbye|see you)(?: (?!list|show|what|which|who|where|how|give|find)\w+){0,4}"),
    ("greeting", r"(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|moin|hallo|yo)(?: there| docent)?"),
    ("chat", r"(?:how (?:are|r) (?:you|u)|how is it going|how do you do|are you (?:a |an )?(?:bot|robot|human|ai|real|there|chatgpt|gpt|claude)|what is (?:up|new)|sup|test|testing|ping|lol|haha|sorry|who (?:made|built) you|what is your name)(?: .{0,20})?"),
    ("help", r"(?:help(?: me)?|\?|what can (?:you|i) (?:do|ask)(?: .*)?|how do (?:you|i) (?:work|use (?:this|you|it))|"
             r"who are you|what are you|how can you help(?: me)?|what questions can i ask)"),
    ("model", r"(?:how (?:do|can|does) (?:i|we|an admin|one) (?:turn on|enable|add|connect|use|configure|switch to) (?:a|an|the|another)?"
              r" ?(?:language |ai )?(?:model|provider|llm|openai|anthropic|claude|gpt).*|which (?:ai |language )?(?:model|llm) .*)"),
    # proposals that need no wording of ours
    ("propose_tag", r"(?:tag|mark|label) (?P<s>.+?) (?:as|with) (?P<value>.+)"),
    ("propose_tag", r"add (?:the )?tag (?P<value>.+?) to (?P<s>.+)"),
    ("propose_owner", r"(?:make|set) (?P<value>.+?) (?:as )?(?:the |an )?owner (?:of|for) (?P<s>.+)"),
    ("propose_owner", r"set (?:the )?owner of (?P<s>.+?) to (?P<value>.+)"),
    ("propose_description", r"(?:set|change|update|propose) (?:the |a )?description (?:of|for) (?P<s>.+?)(?: to|:| as) (?P<value>.+)"),
    ("change", r"(?:delete|remove|drop|truncate|erase|wipe|purge)(?: the| this| that)? (?:\w+\.[\w.]+|(?:all|every|everything|rows?|records?|from|table|view|column|schema|database|data|duplicates?|old)\b(?! (?:events?|rates?)\b).*|\S+ (?:table|view|column|rows?|records?|schema|database)\b.*)"),
    ("change", r"(?:insert|add) (?:into|an? (?:row|record|column|index)|new (?:rows?|records?)|rows?|records?)\b.*|(?:update|alter|overwrite) (?:table|all|every|\w+ set|\w+\.\w+)\b.*|(?:update|set|change) (?:the )?(?!description|owner|tag)\w+(?: of .+)? to .+|create (?:a |an |the )?(?:new )?(?:table|column|view|index|schema|database)\b(?!.*\bsql\b).*"),
    ("needs_model_text", r"(?:write|generate|draft|suggest|improve|create|propose) (?:a |an |the |me |better )*(?:new )?"
                         r"(?:description|documentation|doc|definition|summary)s? (?:of|for|to) " + _S),
    ("column_uses", r"(?:which|what) (?:columns?|fields?|tables?|views?|tables? (?:and|or) views?|keys?|foreign keys?)(?: all)? (?:references?|refers? to|uses?|using|points? (?:at|to)|leads? to|mentions?|link to) (?:the )?(?:column |field )?(?P<c>\w+_\w+|\w+ id)"),
    ("tagged", r"(?:what|which|show|list|find|give me)?(?: me)?(?: all)?(?: the| our)? ?(?:dbt )?(?P<kind>models|metrics|things)(?: that| which)?(?: are| do we have)?(?: belongs?(?: to)?| belonging to| part of| in| within| of| from| has)? (?:the )?(?:dbt )?(?:group (?P<group>[\w-]+)|(?P<group2>(?!dashboard\b)[\w-]+) group)"),
    ("kind_about", r"(?:what|which|show|list|give me|find|search|get|display|any|are there|is there|do we have|have we got|have we)?(?: me)?(?: a| an| any| all| some| our| the)*(?: ?(?P<kind>dashboards?|reports?|charts?|models?|metrics?|jobs?|documents?|terms?|views?))(?: do we have| are there| is there| exist| we have)? (?:about|on|for|regarding|related to|that (?:shows?|covers?|is about|are about)|showing|covering|with|around|deals? with) (?P<s>(?!(?:a |an |any |no )?(?:owner|description|documentation|tag))(?:(?!\b(?:columns?|status|where)\b).)+)"),
    ("largest", r"(?:which|what|show|list|find|give me)?(?: me)?(?: all)?(?: the| our)? ?(?P<kind>tables?|views?)(?: that| which)? (?:have|has|with|hold|holds|contain|contains)(?: got)? (?P<rows>(?:more than|over|above|exceeding|at least) [\d.,]+ ?(?:k|m|b|thousand|million|billion)?) ?(?:rows|records|entries|lines)" + _IN),
    ("tables_with", r"(?:which|what|show|list|find)(?: me)?(?: all)?(?: the)? (?:tables?|views?|places?|systems?|tables (?:and|or) views) (?:that |which )?(?:has|have|hold|holds|contain|contains|store|stores|keep|keeps|with|include|includes|mention|mentions|track|tracks|containing|storing) (?!(?:a |an |the |any |no )*(?:information|data|columns?|fields?|description|descriptions|documentation|owners?|tags?|rows?|personal|sensitive|pii|private)\b)(?:any |the |a |an |our )?(?P<c>.+)"),
    ("inside", rf"(?:what|what all|which things|what things|what data|what stuff|what else|everything|show(?: me)?(?: what| everything| all| everything that)?|list(?: everything| all| what)?|what do (?:we|you) have|give me everything)(?: is| are|'s| do we have| is there| lives| sits)?(?: there)? (?:in|inside|under|within) (?:the |our )?(?:schema |database |integration |folder |group )?{_S}(?: have| hold| contain)?"),
    ("inside", rf"what does (?:the |our )?(?:schema|database|integration|dashboard group|folder) {_S} (?:contain|hold|have|include)"),
    ("unowned", r"(?:which |what |list |show |find )?(?:me )?(?:all |the )*(?P<kind>" + _KIND + r") (?:in|of|under|from) (?:the )?(?P<in>\S+)(?: schema| database| integration)? (?:are |that |which )*(?:without (?:an? |any )?owners?|(?:have|has|with) no owners?|(?:is |are )?(?:unowned|ownerless))"),
    ("undocumented", r"(?:which |what |list |show |find )?(?:me )?(?:all |the )*(?P<kind>" + _KIND + r") (?:in|of|under|from) (?:the )?(?P<in>\S+)(?: schema| database| integration)? (?:are |that |which )*(?:without (?:an? |any )?(?:descriptions?|documentation)|(?:have|has|with) no (?:descriptions?|documentation)|(?:is |are )?(?:undocumented|not documented))"),
    ("where_column", r"(?:is there|do we have|are there|have we got|any)(?: an?| any| some)? (?:columns?|fields?) (?:for|called|named|about|with|like|on) (?:the |an? )?(?P<c>.+)"),
    # the glossary
    ("glossary", r"(?:show|list|open|what is in|give me)?(?: me)?(?: all| every)?(?: the| our)?(?: business)? ?(?:glossary|glossary terms|terms|business terms|definitions)(?: .{0,20})?"),
    ("glossary", r"(?:which|what)(?: business| glossary)? terms (?:do we have|are there|exist|are defined|does the glossary (?:have|hold|define))"),
    ("describe", rf"what (?:does|is) (?:the grain (?:of|in)|(?:one|a|each|every) (?:single )?(?:row|record|line) (?:of|in)) {_S}(?: mean| represent| stand for| hold| contain| say)?"),
    ("meaning", rf"what (?:does|do|did|is|are)(?: the)?(?: term| word| business term)? {_S} (?:mean|means|stand for|meant)(?: .{{0,20}})?"),
    ("meaning", rf"what is meant by {_S}|(?:the )?(?:meaning|definition) of (?:the )?(?:term |word )?(?P<s2>.+?)|define (?:the )?(?:term )?(?P<s3>.+?)"),
    ("meaning", r"what is (?:the )?(?:meaning|definition) (?:of|for) (?:the )?(?:term |word )?" + _S),
    ("meaning", rf"how (?:do|does|is|are) (?:we|the company|our company|you)?(?: usually)? ?(?:define|defined|call) {_S}|how is {_S.replace('<s>', '<s2>')} defined"),
    ("find", r"(?:(?:what|which)(?: table| view)? is |show me |find )?(?:the )?(?:(?:single )?source of truth|golden record|(?:most (?:trusted|reliable|trustworthy|accurate)|authoritative|canonical|official) (?:tables?|views?|sources?|datasets?|data)) (?:for|on|about|of) (?:the |our )?" + _S),
    ("activity", r"who (?:has |have )?(?:last |recently )?(?:changed|edited|updated|modified|wrote|added|deleted|verified|removed|set) (?:the |this )?(?:description|owners?|tags?|classification|definition|documentation)s? (?:of|for|on|to|from) " + _S),
    ("activity", r"who (?:has |have )?(?:last |recently )?(?:changed|edited|updated|modified|touched) (?!data\b)" + _S + r"(?: last| recently)?"),
    # joins
    ("join", r"(?:(?:write |give me |show me )?(?:a |an |the )?(?:sql|query|select)(?: for| to| of)? )?(?P<s>\S+) (?:joined|joining) (?:to|with|and|on) (?P<o>\S+?)(?: and .+)?"),
    ("join", r"(?:how (?:do|can|would) (?:i|we|you) )?(?:get|go|come|navigate) from (?P<s>.+?) to (?P<o>.+)"),
    ("join", r"(?:how|where|on what|on which columns?|can)?(?: do| does| can| could| to| should| are| is| would)?(?: i| we| you| one)?(?: the)?(?: tables?)? ?(?P<s>.+?) (?:and|with|to) (?P<o>.+?) (?:be )?(?:join(?:ed|s)?|related?|connect(?:ed)?|link(?:ed)?|fit together)(?: together| to each other)?"),
    ("join", r"(?:how|where|on what|on which columns?|what column)?(?: do| does| can| could| to| should| would)?(?: i| we| you| one)? ?(?:join|joins|connect|link|relate|combine) (?:the )?(?:tables? )?(?P<s>.+?) (?:and|with|to|on to|onto) (?P<o>.+)"),
    ("join", r"(?:what is |show |find )?(?:the )?(?:relationship|relation|join|join path|join key|connection|path|link)s? (?:between|from|of) (?P<s>.+?) (?:and|to|with) (?P<o>.+)"),
    ("join", r"(?:what is |what are |which is |show |find )?(?:the )?(?:common |shared |foreign |join )?(?:keys?|columns?|fields?) (?:between|shared by|connecting|linking|that (?:connects?|links?|joins?)) (?P<s>.+?) (?:and|to|with) (?P<o>.+)"),
    ("join", r"(?:how|is|are|do|does)(?: is| are| do| does| can)? (?P<s>.+?) (?:related|joined|connected|linked) (?:to|with) (?P<o>.+)"),
    ("join", r"how (?:does|do|would|could|can|should) (?:i |we |you )?(?P<s>.+?) (?:relate|connect|link|join) (?:to|with) (?P<o>.+)"),
    ("joins_of", rf"(?:what|which tables?|which)(?: tables?)?(?: can| could| does| do| may)?(?: i| we| you)? ?(?:joins?|be joined|join) (?:to|with)? ?{_S}(?: with| to)?"),
    ("joins_of", rf"(?:what|which)(?: tables?)? (?:can|does|do|could) {_S} (?:be )?join(?:ed|s)?(?: to| with| on)?"),
    ("joins_of", rf"(?:which|what) tables (?:are )?(?:related|connected|linked) (?:to|with) {_S}"),
    ("joins_of", rf"(?:show |list )?(?:me )?(?:the )?(?:joins?|relationships?|related tables?) (?:of|for|from|to) {_S}"),
    ("joins_of", rf"(?:which|what) (?:tables?|views?|tables (?:and|or) views|foreign keys?|keys?) (?:references?|refers? to|links? to|points? (?:at|to)|leads? to)(?: the)?(?: table)? {_S}"),
    ("keys", rf"(?:what (?:is|are) |show |list |which (?:is|are) )?(?:me )?(?:the )?(?P<key>primary|foreign|unique)? ?(?:keys?|constraints?) {_OF} (?:the )?{_S}"),
    ("keys", rf"(?:what|which) (?P<key>primary|foreign|unique)? ?keys? (?:does|do|has|have) {_S}(?: have| has)?"),
    ("keys", rf"(?:is|are) (?:the )?(?:column )?\S+ (?:unique|(?:a |the |part of (?:a |the )?)?(?P<key>primary|foreign|unique) keys?) (?:in|of|on|for) (?:the )?{_S}"),
    # lineage
    ("downstream", rf"what (?:would |will |does |could )?breaks? (?:if|when) (?:i|we|you|somebody|someone)? ?(?:were to |would )?(?:drop|delete|remove|change|rename|alter|modify|touch|truncate)?s? ?{_S}(?: (?:is|gets|was|were) (?:dropped|deleted|removed|changed|renamed))?"),
    ("downstream", rf"(?:what|which|who|whom) ?(?P<kind>dashboards?|tables?|views?|reports?|charts?|models?|things?|people|jobs?)? ?(?:all )?(?:depends?|relies|rely|builds?|is built|are built|based|is based|are based) (?:up)?on {_S}"),
    ("downstream", rf"(?:what|which|who) ?(?P<kind>dashboards?|exposures?|tables?|views?|reports?|charts?|models?|jobs?)? ?(?:uses?|reads?|reads? from|consumes?|queries|are using|is using|are fed by|is fed by|would be affected by|is affected by|are affected by|is downstream of|are downstream of|comes? after|is derived from|are derived from) (?!sql)(?:from )?{_S}"),
    ("downstream", rf"(?:what is |show |list |find |give me )?(?:me )?(?:the )?(?:downstream|impact|consumers|dependents|dependants|users|impact analysis)(?: lineage| dependencies| tables| resources| assets| of changing)? {_OF} (?:changing |dropping |deleting )?{_S}"),
    ("downstream", rf"(?:if|when) (?:i|we|you|someone|somebody) (?:were to |would )?(?:drop|delete|remove|change|rename|alter|modify|touch)s? {_S},? (?:then )?(?:what|which \w+|who|does anything|will anything)(?: else)?(?: (?:is|are|gets?|will|would|could|be))* ?(?:affected|impacted|breaks?|broken|happens?|changes?|fails?|stops? working)"),
    ("downstream", rf"(?:does|do|is|are|will|would) (?:anything|something|anyone|anybody|someone|somebody|any (?P<kind>dashboards?|tables?|views?|reports?|jobs?))(?: else)?(?: still)? (?:depends?|depending|rely|relies|relying|built|based) (?:up)?on {_S}"),
    ("downstream", rf"(?:does|do|is|are) (?:anything|something|anyone|anybody|someone|somebody|any (?P<kind>dashboards?|tables?|views?|reports?|jobs?))(?: else)?(?: still)? (?:uses?|using|reads?|reading)(?: from)? {_S}"),
    ("downstream", rf"(?:all |list |list all |show |find )?(?:the )?(?P<kind>dashboards?|tables?|views?|reports?) (?:that (?:are |is )?)?(?:(?:built|based|depending|dependent|relying) (?:up)?on|derived from|fed by) {_S}"),
    ("downstream", rf"where is {_S} used(?: downstream)?|where (?:does|do) (?P<s2>.+?) go(?: to)?|is (?P<s3>.+?) used (?:anywhere|by anything|somewhere)"),
    ("may_drop", rf"(?:can|may|could|should|shall) (?:i|we|somebody|someone) (?:safely |just |simply )?(?:drop|delete|remove|get rid of|retire|truncate) {_S}(?: safely)?|(?:is it|would it be) (?:safe|ok|okay|fine) (?:to|if (?:i|we)) (?:drop|delete|remove|retire) (?P<s2>.+)|is {_S.replace('<s>', '<s3>')} safe to (?:drop|delete|remove)"),
    ("upstream", rf"(?:what|which) (?:upstream |source |base )(?:tables?|views?|sources?|data) (?:feeds?|populates?|loads?|fills?|go into|are behind|make up) (?:into )?{_S}"),
    ("upstream", rf"what (?:feeds?|populates?|loads?|fills?|goes into|flows into|produces?|is upstream of|are upstream of) (?:into )?{_S}"),
    ("upstream", rf"which (?:tables?|views?|sources?|jobs?|things?) (?:feeds?|populates?|loads?|fills?|go into|are in|make up) (?:into )?{_S}"),
    ("upstream", rf"where (?:does|do|did|is|are) (?:the )?(?:data (?:in|of|for) )?{_S} (?:comes?|coming|came|derived|built|loaded|get its data|get their data) ?(?:from)?"),
    ("upstream", rf"(?:what (?:is|are) |show |list |find )?(?:me )?(?:the )?(?:upstream|sources?|origin|origins|inputs?|upstream lineage|provenance)(?: lineage| dependencies| tables| data)? {_OF} {_S}"),
    ("upstream", rf"what does {_S} (?:depend|rely|build) (?:up)?on|what (?:is|are) (?P<s2>.+?) (?:based|built|derived) (?:on|from)"),
    ("definition", rf"how (?:is|are|do we|does one) (?:the )?{_S} (?:built|calculated|computed|made|derived|produced|created|generated|calculate|compute)(?: from)?"),
    ("definition", rf"(?:show |what is |give me |print )?(?:me )?(?:the )?(?:sql|code|view definition|view sql|definition|query|select) (?:of|for|behind) (?:the )?(?:view |model )?{_S}"),
    ("lineage", rf"(?:show |what is |give me |explain |draw |trace )?(?:me )?(?:the )?(?:full |complete |table |column )?(?:lineage|dependencies|data flow|data lineage) (?:of|for|around|from) {_S}"),
    ("lineage", rf"(?:lineage|trace) {_S}"),
    ("describe", r"(?:the )?(?P<s>(?!(?:the|this|that|our|my|show|list|describe|explain|which|what|every|each|all|any|a|no)\b)[\w.$«»]+ (?:schema|database))"),
    # owners
    ("owner", r"owners? (?P<s>(?!(?:list|names?|of|for|in|all|overview)\b)[\w.$«»]+)"),
    ("owned_by", r"(?:what|which)(?: things| tables?| views?| data| resources| dashboards?)? (?:does|do|is|are) (?P<who>.+?) (?:own|owns|responsible for|maintain|look after)"),
    ("owned_by", r"(?:show |list |find |which |what )?(?:me )?(?:all |every |everything )?(?:the )?(?:tables?|views?|things|data|resources|dashboards?|columns?)? ?(?:that (?:are|is) |are |is )?owned by (?P<who>.+)"),
    ("owner", rf"who (?:is |are )?(?:the )?(?:owns?|owners? (?:of|for)|responsible for|accountable for|in charge of|behind|maintains?|looks after|to (?:ask|contact|talk to) (?:about|for)|looks after|the contact for|contact for|steward of|expert (?:on|for)) {_S}"),
    ("owner", rf"who (?:should|can|do|could|must) (?:i|we) (?:ask|contact|talk to|email|speak to|turn to|call) (?:about|for|regarding|if .+? with) {_S}"),
    ("owner", rf"who (?:can|could|would) (?:tell|help|explain to|brief) (?:me|us) (?:more )?(?:about|with|on) {_S}"),
    ("owner", rf"who knows (?:about |anything about |most about )?{_S}|whose (?:table |view )?is (?P<s2>.+)|who does (?P<s3>.+?) belong to"),
    ("owner", rf"(?:what is |show |give me |and |list )?(?:me )?(?:the |its )?(?:data )?(?:owners?|steward|contact|contact person|maintainers?) (?:of|for) {_S}"),
    # personal, undocumented, unowned, popular
    ("in_use", r"(?:what|which|show|list|give me|display)(?: me)?(?: all)?(?: the| our)? ?(?P<by>tags?|labels?|owners?)(?: do we have| do we use| are there| exist| are used| are in use| can i see| have we(?: got)?| there are| in use)?|who are (?:all )?(?:the |our )?(?:data )?(?P<by2>owners)"),
    ("tagged", r"(?:what|which|show|list|find|everything|all)?(?: me)?(?: all| everything)?(?: the)? ?(?P<kind>" + _KIND + r"|things|resources|data)? ?(?:is |are |that is |that are |which are |has |have |with )?(?:the )?(?:tagged|tags?|labelled|labeled)(?: as| with| by)? (?!(?:of|does|do|are|is)\b)(?P<tag>.+)"),
    ("is_personal", r"(?:is|are|was|were) (?!there\b|any\b|our\b|all\b|some\b|which\b|what\b|the data\b|data\b)(?:the )?(?:column )?(?P<s>.+?) (?:marked |classified |flagged |considered |treated |seen )?(?:as )?(?:personal|pii|phi|sensitive|private|secret|confidential)(?: data| information)?"),
    ("personal", r"(?:.*\b)?(?:pii|phi|personal(?:ly)?(?: identifiable)?|sensitive|gdpr|private|confidential)\b(?: data| information| columns?| looking| fields?)*(?:(?: are| is| do we have| there| have we| exist| stored| hold| contain)* ?(?:in|of|under|within|does|from) (?:the )?(?P<in>.+?)(?: (?:hold|contain|have|table|schema))?)?"),
    ("personal", r"(?:which|what|find|list|show)(?: me)?(?: the)? (?:columns?|fields?|tables?) (?:which |that )?(?:look|looks|seem|might be|may be|could be|are|contain|contains|hold|holds|have|has|with) (?:like )?(?:to be )?(?:personal|sensitive|private)(?: data| information)?" + _IN),
    ("undocumented", r"(?:which|what|find|list|show|give me|are there|how many)?(?: me)?(?: all)?(?: the| any)? ?(?P<kind>" + _KIND + r")? ?(?:that |which )?(?:are|is|have|has|with|still|lack|lacks|miss|misses|need|needs|do not have|does not have|without)? ?(?:missing |lacking |got )?(?:undocumented|not documented|no descriptions?|no documentation|not described|without (?:a )?(?:description|documentation|descriptions)|missing (?:a )?(?:descriptions?|documentation)|an? description|any description|descriptions?)(?: (?P<kind2>" + _KIND + r"))?" + _IN),
    ("unowned", r"(?:which|what|find|list|show|give me|are there|how many)?(?: me)?(?: all)?(?: the| any)? ?(?P<kind>" + _KIND + r")? ?(?:that |which )?(?:are|is|have|has|with|lack|lacks|miss|do not have|does not have)? ?(?:missing |lacking )?(?:unowned|not owned(?: by (?:anyone|anybody))?|no owners?|without (?:an |any )?owners?|missing (?:an )?owners?|ownerless|orphaned|an owner|any owner|nobody owns|no one owns|belongs? to nobody)(?: (?P<kind2>" + _KIND + r"))?" + _IN),
    ("largest", r"(?:which|what|show|list|find|give me)?(?: me)?(?: are| is)?(?: the| our)? ?" + _NUM + r"(?:biggest|largest|heaviest)(?: (?P<n2>\d+))? (?P<kind>tables?|views?|tables and views)" + _IN),
    ("smallest", r"(?:which|what|show|list|find|give me)?(?: me)?(?: are| is)?(?: the| our)? ?" + _NUM + r"(?:smallest|tiniest)(?: (?P<n2>\d+))? (?P<kind>tables?|views?|tables and views)" + _IN),
    ("popular", r"(?:which|what|show|list|find|give me)?(?: me)?(?: are| is)?(?: the| our)? ?" + _NUM + r"(?:most |top )?(?:popular|used|queried|frequently used|often used|important|common|viewed)(?: (?P<n2>\d+))?(?: (?P<kind>" + _KIND + r"|data|datasets?|things|resources|assets))?(?: we have| do we have| are there| here)?" + _IN),
    ("popular", r"(?:which|what) (?P<kind>" + _KIND + r"|data) (?:are|is|do people|does everyone|do we|gets?) (?:the )?(?:most )?(?:popular|used most|use most|used the most|queried most|most popular|most used|most queried)" + _IN),
    ("recent", r"(?:what|which|show|list)?(?: me)?(?: (?P<kind>" + _KIND + r"))? ?(?:has |have |was |were |that )?(?:recently |lately |last )?(?:changed|updated|modified|refreshed|changes|new)(?: recently| lately| last| this week| today| since .+)?(?: (?P<kind2>" + _KIND + r"))?" + _IN),
    ("verified", r"(?:which|what|show|list|find)(?: me)?(?: all)?(?: the)? ?(?P<kind>" + _KIND + r")? ?(?:are |is |that are |have been )?(?:verified|trusted|certified|approved|trustworthy)(?: (?P<kind2>" + _KIND + r"))?" + _IN),
    ("is_verified", rf"(?:is|are|was) {_S} (?:verified|trusted|certified|reliable|trustworthy|approved)|can (?:i|we) (?:trust|rely on) (?P<s2>.+)"),
    ("tags_of", rf"(?:what|which|show|list)?(?: are)?(?: me)?(?: the)? ?tags? (?:of|for|on|does|do|has|are on|has) {_S}(?: have| has)?|how is (?P<s2>.+?) tagged"),
    # columns, types, freshness, size
    ("tested", rf"(?:is|are|was|were|has|have|does|do) (?:the )?(?:model |table )?{_S} (?:been )?(?:tested|(?:have|has|got) (?:any |dbt )?tests?|covered by tests?)(?: by dbt| with dbt)?|(?:which|what|how many|do the|do any)? ?(?:dbt )?tests? (?:does|do|are on|are there on|are there for|cover|has|of|for|on) (?P<s2>.+?)(?: have| has| fail| pass)?"),
    ("type", rf"(?:what |which )?(?:is |are )?(?:the )?(?:data ?|column )?types? (?:is|of|has|does|for) (?:the )?(?:column |field )?(?P<c>\S+?)(?: column| field)? (?:in|of|from|on) (?:the )?{_S}"),
    ("type", rf"(?:what |which )?(?:is |are )?(?:the )?(?:data ?|column )types? (?:of|for|is|has) (?:the )?(?:column |field )?{_S}(?: have| has)?"),
    ("type", rf"(?:what|which) (?:data |column )?types? (?:is|of|has|does|for) (?:the )?(?:column |field )?{_S}(?: have| has)?"),
    ("type", rf"what is the type of (?:the )?(?:column )?{_S}"),
    ("nullable", rf"(?:which|what) (?:columns?|fields?) (?:is|are|may be|can be) (?:nullable|null|empty|optional|required|mandatory) (?:in|of) (?:the )?{_S}"),
    ("nullable", rf"(?:is|are|can|could|may) (?:the )?(?:column )?{_S} (?:nullable|be null|be empty|null|optional|required|mandatory|contain nulls?)"),
    ("has_column", rf"(?:does|do) (?!(?:we|you|i|they|people)\b)(?:the )?(?:table |view )?{_S} (?:have|contain|hold|include|carry) (?:a |an |any |the )?(?P<c>(?!tables?\b|views?\b|data\b|information\b|rows\b|owner|tags?\b|description).+?)(?: (?:column|field)s?)?"),
    ("has_column", rf"(?:is|are) there (?:a |an |any )?(?P<c>\S+(?: \S+)?) (?:column|field)s? (?:in|on) (?:the )?(?:table |view )?{_S}"),
    ("count_columns", rf"how many (?:columns|fields|attributes) (?:does|do|has|have|are there in|are in|in|is in|there are in) (?:the )?{_S}(?: have| has| got)?|how wide is (?P<s2>.+)|number of (?:columns|fields) (?:in|of) (?P<s3>.+)"),
    ("columns", rf"(?:what|which|show|list|give me|describe|print|name)?(?: me)?(?: all)?(?: are)?(?: the)? ?(?:columns|fields|attributes|column names) (?:of|in|for|from|does|do|are in|has|have|are there in|exist in|belong to|make up) (?:the )?{_S}(?: have| has| contain| hold| include)?"),
    ("columns", rf"(?:what is |show |describe |explain |give me )?(?:me )?(?:the )?(?:structure|schema|layout|ddl|fields|shape) (?:of|for) (?:the )?(?:table |view )?{_S}"),
    ("last_sync", rf"(?:when (?:was|is) )?(?:the )?(?:last|latest|most recent) sync (?:of|for) (?:the )?{_S}|when (?:was|did) (?P<s2>\S+)(?: integration| source)? (?:last )?sync(?:ed)?(?: last)?"),
    ("freshness", rf"how (?:fresh|old|recent|current|up to date|up-to-date|stale) (?:is|are) (?:the )?(?:data in )?{_S}"),
    ("freshness", rf"when (?:was|were|did|has|is) {_S} (?:last |most recently )?(?:been )?(?:last )?(?:updated?|refreshed|changed?|loaded|modified|synced|analyzed|analysed|refresh|load|sync|written)(?: last)?"),
    ("freshness", rf"when (?:was|is|were) (?:the )?(?:last|latest|most recent|newest) (?:sync|update|refresh|load|run|change|data) (?:of|for|on|to|in) {_S}"),
    ("freshness", rf"(?:is|are) {_S} (?:up to date|up-to-date|fresh|stale|current|outdated|still updated)|(?:freshness|last update|last change|age) (?:of|for) (?P<s2>.+)"),
    ("size", rf"how (?:big|large|long) is {_S}|(?:what is )?(?:the )?(?:size|row count|number of rows) (?:of|in|for) (?P<s2>.+)|how many (?:rows|records|entries|lines) (?:does|do|are in|are there in|in|has) (?P<s3>.+?)(?: have| has)?|how much data is in (?P<s4>.+)"),
    # counts over the catalog
    ("count", r"(?:how many|number of|count(?: of)?(?: the)?|count all)(?: different| distinct)? (?P<kind>" + _KIND + r")(?: and (?P<kind2>" + _KIND + r"))?(?: are there| do we have| exist| does (?:it|the catalog|this workspace) have| have we(?: got)?| there are| are| does| do i see| can i see| in total)*" + _IN + r"(?: have| has| hold| contain)?"),
    ("per_place", r"(?:how many|number of|count(?: of)?) (?:tables|views|tables and views|resources)(?: are there| do we have| exist| there are)? (?:per|by|in each|for each|does each) (?P<by>schema|integration|source|database|system)(?: have| has| hold)?"),
    ("per_place", r"(?:which|what) (?P<by>schema|integration|source|system) (?:has|have|holds?|contains?) (?:the )?(?:most|fewest|least) (?:tables|views|resources)"),
    ("count", r"how (?:big|large) is (?:the|our|this) (?:catalog|warehouse|workspace)|what is in (?:the|our|this) (?:catalog|workspace)|what (?:data )?do we have(?: here)?|(?:give me )?an? overview(?: of (?:the|our) (?:catalog|data|warehouse))?"),
    ("count", r"how many (?P<kind>" + _KIND + r") (?:does|do|has|have) (?:the )?(?P<in>.+?) (?:have|has|contain|hold)"),
    # lists
    ("list", r"(?:what|which|show|list|give me|display|name|find|get)(?: me)?(?: all| every| each)?(?: of)?(?: the| our)? ?(?P<kind>" + _KIND + r")(?: do we have| are there| exist| can i see| can i use| have we(?: got)?| do i have| are available| available| are connected| connected| you have| you know)?" + _IN + r"(?: have| has| contain| hold)?"),
    ("list", r"(?:what|which)(?P<kind> " + _KIND + r")? (?:is|are)(?: there)? (?:in|under|inside) (?:the )?(?P<in>.+? (?:schema|database|integration|dataset))"),
    ("list", r"(?:what does|show me what is in) (?:the )?(?P<in>.+? (?:schema|database|integration)) (?:contain|hold|have)"),
    # where a column is
    ("where_column", r"(?:which|what) (?:tables?|views?|tables? or views?|tables and views)(?: all)? (?:has|have|contains?|holds?|with|includes?|stores?) (?:a |the |an )?(?:column|field)s? (?:called |named |like )?(?P<c>.+)"),
    ("where_column", r"(?:where|in which tables?|in what tables?) (?:is|are|do i find|can i find|do we (?:keep|store|have)|do we find|can we find) (?:the |a )?(?:columns?|fields?) (?:called |named )?(?P<c>.+?)(?: stored| kept)?"),
    ("where_column", r"(?:find|show|list|search)(?: me)?(?: all)?(?: the)? (?:columns|fields) (?:called|named|like|with|containing|about|for) (?P<c>.+)"),
    ("where_column", r"(?:which|what) (?:columns?|fields?) (?:holds?|contains?|stores?|has|have|is|are)(?: for)? (?:the )?(?P<c>.+)"),
    ("where_column", r"(?:where|in which tables?) (?:is|are) (?:the )?(?P<c>\w*_\w+)(?: stored| kept| saved)?"),
    ("queries", rf"(?:what|which|show|list)?(?: are)?(?: me)?(?: the)? ?(?:frequent|common|typical|example|usual|popular|saved|most frequent|most common|sample) (?:queries|sql|statements?) (?:on|of|for|against|over|using|with) {_S}|how do people (?:query|use) (?P<s2>.+)"),
    ("compare", r"(?:what is |explain |show )?(?:the )?differences? between (?P<s>.+?) and (?P<o>.+)|compare (?P<s2>.+?) (?:and|with|to) (?P<o2>.+)|how (?:does|do) (?P<s3>.+?) differ from (?P<o3>.+)"),
)  # fmt: skip

_ABOUT: tuple[tuple[str, str], ...] = (
    ("find", rf"(?:where|how)(?: can| do| could| should| would)?(?: i| we| one)? (?:find|get|see|look up|look for|look)(?: the| some| any)?(?: data| information| tables?| details| numbers)? ?(?:on|about|for|of|regarding)? ?(?:the )?{_S}"),
    ("find", rf"(?:find|search|look|search for|look for|show|list|get|give me)(?: me)?(?: some| any| all| the)?(?: data| information| tables?| datasets?| dashboards?| resources| everything)*(?: on| about| for| of| regarding| related to| with| containing| that (?:have|contain|hold)) ?{_S}"),
    ("find", rf"(?:do we|have we|is there|are there|does the catalog) (?:have |got |any |some |hold |store |keep |track )*(?:a |an )?(?:data|information|tables?|anything|something|datasets?|dashboards?)?(?: (?:on|about|for|of|with|regarding|that has|that have|related to))? ?{_S}"),
    ("find", rf"(?:what|which) (?:is|are) (?:the )?(?:best|right|correct|proper|official) (?:tables?|views?|datasets?|sources?|data|place) (?:to use )?(?:for|on|about|of|with) {_S}"),
    ("find", rf"(?:which|what) (?:tables?|data|views?|datasets?|resources|dashboards?|one)(?: should i use| do i need| can i use| do we have| is there| are there)? (?:has|have|contains?|holds?|with|stores?|is|are|for|about|on|to use for|shows?|covers?|tracks?)(?: (?:the|about|for|on|data|information))* {_S}"),
    ("find", rf"(?:where|in which tables?|in which schema) (?:is|are|do we (?:keep|store|have)|live|lives|can i see) (?:the |our )?(?:data (?:for|on|about) )?{_S}(?: stored| kept| data| located| saved| live)?"),
    ("find", rf"(?:i|we) (?:need|want|am looking for|'m looking for|are looking for|am searching for|would like)(?: to (?:find|get|see|use|analy[sz]e|look at))?(?: some| the| a| any)?(?: data| information| tables?)?(?: on| about| for| of)? ?{_S}"),
    ("find", rf"looking for {_S}|search {_S.replace('<s>', '<s2>')}|anything (?:about|on) (?P<s3>.+)|(?!(?:what|which|where|how|who|why|when|is|are|does|do|explain|describe|summari[sz]e|open)\b)(?P<s4>.+?) (?:data|tables?|datasets?)"),
    ("describe", rf"(?:what|who) (?:is|are|was)(?: in| inside)? (?:the |a |an )?{_S}(?: about| for| used for| all about)?"),
    ("describe", rf"what (?:does|do|is) (?:the )?(?:table |view |column |dashboard )?{_S} (?:contain|hold|show|store|do|have|represent|track|mean|in it|for|about|used for)"),
    ("describe", rf"(?:describe|explain|tell me (?:more )?about|about|more about|details (?:of|on|about|for)|information (?:on|about)|summari[sz]e|show|open|read|give me (?:details|information) (?:on|about|for)|more on|what about) (?:me )?(?:the )?(?:table |view |column )?{_S}"),
)  # fmt: skip

_COMPILED = [(name, re.compile(pattern, re.I)) for name, pattern in _RULES]
_COMPILED_ABOUT = [(name, re.compile(pattern, re.I)) for name, pattern in _ABOUT]

_DATA = re.compile(
    r"\b(?:write|give me|show me|build|create|make|generate|need|get|need an?)\b.{0,20}\b(?:sql|query|select|statement)\b|^(?:sql|select|query)\b"
    r"|\b(?:average|avg|mean|sum of|total|maximum|minimum|highest|lowest|largest|smallest|biggest|latest|newest|oldest|earliest)\b"
    r"|\btop \d+|\bhow (?:many|much)\b|\b(?:number|count) of\b|\bper (?:day|week|month|year|quarter|\w+)\b|\bfirst \d+ |\blast \d+ "
    r"|(?<=\w )where\b.+(?:=|<|>|\bis\b|\bequals?\b|\blike\b|\bbetween\b|\bcontains?\b)|\bwith (?:status|\w+) (?:=|equal to|«)|^(?:what is |which is |show me |find )?the (?:cheapest|priciest) \w+$|\b(?:in|during) (?:19|20)\d\d$|\b(?:since|after|before) \d{4}-|\b(?:over|under|above|below|more than|less than|at least|at most|greater than) \d"
    r"|\b(?:max|min)\b|\b\d+ (?:most|least|largest|biggest|highest|lowest|smallest|latest|newest|oldest|cheapest)\b|\b(?:last|past) \d+ (?:day|week|month|quarter|year)"
    r"|\btop \w+ by\b|^(?:total|sum) \w|\bby (?:day|week|month|year|quarter)$|\bin (?:19|20)\d\d$"
    r"|\bdistinct\b|\b(?:grouped|broken down) by\b",
    re.I,
)
_MAYBE_DATA = re.compile(
    r"(?!(?:what|which|where|how|who|why|when|is|are|does|do|tables?|columns?|views?|dashboards?)\b)"
    r"(?:\w+(?: \w+){0,3} by \w+(?: \w+){0,2}|\w+(?: \w+){0,2} (?:with no|without(?: an?| any)?) \w+)"
    r"|(?:which |what |list |show |find )?(?:\w+ )?\w+ (?:that |who |which )?(?:(?:have|has|had) (?:no|never|not any|never been)|never|were never|was never) \w+",
    re.I,
)
"""Perhaps a measure and what it is split by ("refunds by reason"), perhaps a title: SQL only where columns are found."""
_NEEDS_MODEL = re.compile(
    r"^(?:why|forecast|predict|translate|poem|joke|should (?:we|i)|what should|how (?:should|could|would) (?:we|i) (?:model|design|improve|structure|build|measure|reduce|increase)"
    r"|(?:write|draft|compose) (?:a|an|me|the) (?!.*\b(?:sql|query|select)\b)|brainstorm|recommend|advise|debug|fix|refactor|optimi[sz]e|review|(?:plan|design) )",
    re.I,
)

_PRONOUN = re.compile(
    r"^(?:it|its|this|that|they|them|their|theirs|these|those|(?:this|that|the|the same|same) (?:table|view|one|column|dashboard|resource|thing|schema)|"
    r"the first(?: one)?|here|this page|itself|the result)$",
    re.I,
)
_ELLIPSIS = re.compile(r"^(?:and |what about |how about |and what about |and how about |same for |the same for |and for |or |now )+(?:for |of |the |in |under |by |per )*(?P<s>.+)$", re.I)  # fmt: skip
_LISTED = re.compile(
    r"(?:(?:list|show|name|give)(?: me)? (?:them|those|these)(?: all)?|which(?: ones)?(?: are they)?|what are they(?: called)?)",
    re.I,
)
"""After a count: what was counted."""
_FOLLOW_UPS: tuple[tuple[str, str], ...] = (
    ("owner", r"(?:who )?(?:is )?(?:its|the|their)? ?owns?(?:ers?)?(?: is it| it)?|owners?|who owns (?:it|that|this|them)"),
    ("columns", r"(?:its|the|their|show(?: me)?(?: the)?)? ?(?:columns|fields|structure)"),
    ("count_columns", r"how many (?:columns|fields)(?: (?:does|has) it(?: have)?)?"),
    ("upstream", r"(?:its|the)? ?(?:upstream|sources?|inputs?|origin)|where does it come from"),
    ("downstream", r"(?:its|the)? ?(?:downstream|consumers|impact|dependents)|what (?:uses|depends on) it"),
    ("whom_to_tell", r"(?:who|whom) (?:(?:should|do|must|can|would|will|need|needs|have|has|i|we|to|be|is|are) )*(?:tell|told|warn|warned|inform|informed|notify|notified|ask|contact|alert|affected|impacted|know)(?: (?:about (?:it|that|this)|first|before|then|if i do(?: that| so)?|when i do(?: that| so)?))*"),
    ("lineage", r"(?:its|the)? ?(?:lineage|dependencies)"),
    ("keys", r"(?:its|the)? ?(?P<key>primary|foreign)? ?keys?"),
    ("freshness", r"(?:its|the)? ?(?:freshness|last update|age)|how (?:fresh|old) is it|is it (?:up to date|fresh|stale)"),
    ("tags_of", r"(?:its|the)? ?tags"),
    ("describe", r"(?:its|the)? ?(?:description|details|meaning)|more|tell me more|more details|go on|describe it"),
    ("size", r"(?:its|the)? ?(?:size|row count|rows)|how (?:big|large) is it|how many rows(?: does it have)?"),
    ("joins_of", r"(?:its|the)? ?(?:joins|relationships|related tables)"),
    ("queries", r"(?:its|the)? ?(?:frequent )?queries"),
    ("personal", r"(?:any |is there )?(?:personal|sensitive)(?: data| columns)?(?: in it| there)?"),
    ("definition", r"(?:its|the)? ?(?:sql|definition|code)"),
)  # fmt: skip
_COMPILED_FOLLOW = [(name, re.compile(pattern, re.I)) for name, pattern in _FOLLOW_UPS]


def understand(question: str, known: frozenset[str] = frozenset()) -> Intent:
    """The intent of one question on its own. Never fails: what no rule knows is `about`.

    `known` are words of real names: they are never taken for typing errors.
    """
    cleaned, quoted = clean(question, known)

    def made(name: str, slots: Mapping[str, str] | None = None) -> Intent:
        if unread(name, cleaned, known):
            name = "unread_negation"
        return Intent(name, {key: phrase(value) for key, value in (slots or {}).items()}, cleaned, quoted)

    if not cleaned:
        return made("help")
    tongue = language_of(cleaned)
    if tongue is not None:
        return made("foreign", {"s": english_words(cleaned, tongue), "language": tongue})
    asked = (
        negated(cleaned)
        or over_time(cleaned)
        or how_tested(cleaned)
        or how_used(cleaned)
        or what_breaks(cleaned)
    )
    if asked is not None:
        return made(*asked)
    for name, pattern in _COMPILED:
        match = pattern.fullmatch(cleaned)
        if match and _sensible(name, match):
            return made(name, _slots(match))
    if _NEEDS_MODEL.match(cleaned):
        return made("needs_model", {"s": _content_words(cleaned)})
    if _DATA.search(cleaned):
        return made("data", {"s": cleaned})
    if _MAYBE_DATA.fullmatch(cleaned):
        return made("maybe_data", {"s": cleaned})
    for name, pattern in _COMPILED_ABOUT:
        match = pattern.fullmatch(cleaned)
        if match:
            return made(name, _slots(match))
    return made("about", {"s": _content_words(cleaned) or cleaned})


def follow_up(question: str, before: Intent | None, known: frozenset[str] = frozenset()) -> Intent | None:
    """The intent of a question that leans on the one before; None where it stands on its own."""
    cleaned, quoted = clean(question, known)
    short = re.sub(r"^(?:and|also|what about|how about|so)\s+", "", cleaned, flags=re.I)
    for name, pattern in _COMPILED_FOLLOW:
        match = pattern.fullmatch(short)
        if match:
            return Intent(
                name, {"s": "it", **{k: v for k, v in match.groupdict().items() if v}}, cleaned, quoted
            )
    if (
        before is not None
        and before.name == "count"
        and before.slots.get("kind")
        and _LISTED.fullmatch(short)
    ):
        return Intent("list", before.slots, cleaned, quoted)
    match = _ELLIPSIS.fullmatch(cleaned)
    if match and before is not None:
        subject = phrase(match.group("s"))
        for slot in ("s", "in", "who", "c", "tag"):
            if slot in before.slots and (slot != "s" or before.name != "data"):
                return Intent(before.name, {**before.slots, slot: subject}, cleaned, quoted)
        if before.name == "data":
            return Intent("data", {"s": before.slots.get("s", ""), "change": subject}, cleaned, quoted)
        return Intent(before.name, {**before.slots, "s": subject}, cleaned, quoted)
    return None


def is_pronoun(text: str) -> bool:
    """Does this phrase point back at what was spoken of?"""
    return not text or bool(_PRONOUN.match(text))


def clean(question: str, known: frozenset[str] = frozenset()) -> tuple[str, dict[str, str]]:
    """The question made plain for the rules, and what stood in quotes under its mark."""
    quoted: dict[str, str] = {}

    def keep(match: re.Match[str]) -> str:
        mark = f"«{len(quoted) + 1}»"
        quoted[mark] = next(group for group in match.groups() if group is not None)
        return mark

    text = question.replace("’", "'")
    text = re.sub(r"(?<!\w)@(?=\w)", "", text)
    text = _QUOTED.sub(keep, text)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"[?!.,;:\s]+$", "", text)
    text = " ".join(_mended(word, known) for word in text.split(" "))
    for pattern, replacement in _CONTRACTIONS:
        text = re.sub(pattern, replacement, text, flags=re.I)
    bare = _POLITE.sub("", text).strip()
    bare = re.sub(r"(?:[, ]+(?:please|pls|thanks|thank you|for me|in our (?:catalog|warehouse|company)|right now|exactly|at all))+$", "", bare, flags=re.I)  # fmt: skip
    bare = re.sub(r"^((?:what|which|where|who|how|when)\b), ", r"\1 ", bare, flags=re.I)
    if not bare and re.match(r"(?:hi|hello|hey)\b", text, re.I):
        return "hello", quoted
    return re.sub(r"\s*,\s*", ", ", bare).strip(), quoted


_LEADING = re.compile(
    r"^(?:the|a|an|our|my|its|their|all|any|every|each|some|table|tables|views|called|named|dataset|about|"
    r"data (?:in|of|for|on|about)|term|word)\s+(?=\S)",
    re.I,
)
_TRAILING = re.compile(
    r"\s+(?:tables?|views|dataset|data|please|again|exactly|now|here|today)$",
    re.I,
)


def phrase(text: str) -> str:
    """A captured phrase without articles and the words that only say what kind of thing it is."""
    kept = text.strip(" ,.;:?!()")
    while True:
        shorter = _TRAILING.sub("", _LEADING.sub("", kept))
        if shorter == kept or not shorter:
            return kept
        kept = shorter


def kind_of(word: str) -> str | None:
    """The catalog's kind for a word such as "tables"."""
    lowered = word.strip().lower()
    return (
        KINDS.get(lowered)
        or KINDS.get(lowered.removesuffix("s"))
        or ("integration" if "source" in lowered else None)
    )


def _mended(word: str, known: frozenset[str] = frozenset()) -> str:
    bare = word.strip(",?!.;:")
    lowered = bare.lower()
    if lowered in _TYPED:
        return word.replace(bare, _TYPED[lowered])
    if lowered in known or lowered.removesuffix("s") in known:
        return word
    if len(bare) < 4 or not bare.isalpha() or not bare.isascii() or lowered in _COMMON or lowered in _WORDS:
        return word
    allowed = 1 if len(bare) < 8 else 2
    best = min(
        _VOCABULARY,
        key=lambda each: (DamerauLevenshtein.distance(lowered, each, score_cutoff=allowed), -len(each)),
    )
    if DamerauLevenshtein.distance(lowered, best, score_cutoff=allowed) > allowed or best[0] != lowered[0]:
        return word
    return word.replace(bare, best)


_WORDS = frozenset(_VOCABULARY)
_TYPED = {"ownes": "owns", "onws": "owns", "wich": "which", "waht": "what", "hwat": "what", "taht": "that", "plz": "please",
    "whats": "what is", "whos": "who is", "wheres": "where is"}  # fmt: skip


def _slots(match: re.Match[str]) -> dict[str, str]:
    """Named groups; `s2`, `kind2` and the like are other places of the same slot."""
    slots: dict[str, str] = {}
    for name, value in match.groupdict().items():
        if value and value.strip():
            slots.setdefault(re.sub(r"\d$", "", name), value.strip())
    return slots


def _sensible(name: str, match: re.Match[str]) -> bool:
    """Keep a loose pattern from taking a question that says much more."""
    slots = _slots(match)
    if name == "list" and not slots.get("kind") and not slots.get("in"):
        return False
    if name in ("undocumented", "unowned") and slots.get("kind") is None and re.match(r"(?:an? |any )?(?:descriptions?|owner)", match.group(0), re.I):  # fmt: skip
        return bool(re.search(r"\b(?:no|missing|without|un\w+|not)\b", match.group(0), re.I))
    if name == "undocumented" and not re.search(r"\b(?:no|not|missing|without|undocumented|lack\w*|miss\w*|needs?)\b", match.group(0), re.I):  # fmt: skip
        return False
    if name == "unowned" and not re.search(r"\b(?:no|not|nobody|missing|without|unowned|ownerless|orphaned|lack\w*|miss\w*)\b", match.group(0), re.I):  # fmt: skip
        return False
    if (
        name == "recent"
        and re.match(r"(?:new|changed|updated|modified)\b", match.group(0), re.I)
        and not slots
    ):
        return True
    return not (name == "meaning" and re.match(r"(?:the )?(?:table|view|column)\b", slots.get("s", ""), re.I))


_STOP = frozenset(
    """a about all am an and any are as at be been but by can could did do does for from get give had has have how i if in
    into is it its like me my need no not of on or our please s show so some tell than that the their them then there
    these they this those to us was we were what when where which who whom why will with would you your find list data
    table tables much many want know see use using here""".split()
)


def _content_words(text: str) -> str:
    return " ".join(word for word in text.split(" ") if word.strip(",?!.").lower() not in _STOP).strip()
