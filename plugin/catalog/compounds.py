"""Names written without a break: "invoicelines", "CUSTOMERADDRESSID" are read as the words that they are made of.

Enters: one lower-case word of a name. Leaves: its parts, or nothing where it is one word or has a part that is not
known. The words are a fixed list, and not those of the catalog: how a table is read must not depend on tables that
its reader may not see. They are the words from which tables and columns are named all over the field (those in the
names of at least three of 175 public schemas and dbt projects, and their like); a dictionary of English splits too
much ("relation ship", "except ions").
"""

from __future__ import annotations

from functools import lru_cache

KNOWN = frozenset(
    """access account accounts action active activity actor additional address addresses adjustment admin affiliation
    agent agents aggregated aggregate agreement aircraft airline airport alert alerts album allocation altitude amount
    amounts analysis analytics annual answer answers application applications appointment approval area areas arrival
    article articles artist artists assessment asset assets assignment association attempt attempts attendance
    attribute attributes audience audit author authors availability average award awards balance balances bank
    banner base batch benefit benefits bike bill billing birth block blocks body book booking bookings books border
    branch branches brand brands browser bucket budget budgets build building buildings business calendar call calls
    campaign campaigns cancellation candidate candidates capacity capital card cards care career carrier carriers
    cart case cases cash category categories cause cell center centre certificate chain change changes channel channels
    charge charges chart chat check checkout child children choice cities city claim claims class classes
    classification clause click clicks client clients clinic close closed club cluster coach code codes cohort
    collection collections college color colour comment comments commission commit commits committee company companies
    competition complaint component components condition conditions contact contacts content contents contest
    continent contract contracts contribution control conversation conversion copy cost costs count counter countries
    country county coupon course courses coverage created creation creator credit credits crime criteria currencies
    currency curve customer customers cycle daily data dataset datasets date dates datetime deal deals death debit
    debt decision default degree delay deliveries delivery demand demographic demographics department
    departments departure deposit description design detail details device devices diagnosis diagnostics dimension
    dimensions direction director directory disability discount discounts disease display distance distribution
    district districts division divisions document documents domain domains donation donor dose download draft driver
    drivers drug drugs duration earnings economic edition education effect election element elements email emails
    emission employee employees employer employment encounter engagement engine enrollment enrolment entity entities
    entries entry equipment error errors estimate estimates event events evidence exam exception exchange expense
    expenses experience experiment exposure expression extension facility factor factory failure families family
    farm feature features feed feedback field fields file files film films filter finance financial fire first
    fiscal flag flags fleet flight flights flow food form formula forum forums fraud freight friend fuel function fund
    funds game games gender gene genes generation genre goal goals goods grade grades grant grants grid group groups
    growth guest header health height histories history holder holding holdings holiday home hospital host hotel hour
    hours household house housing identity image images import income incident incidents index indicator indicators
    individual industry inflation info information ingredient insert inspection institution instruction insurance
    interest interval inventory investment investor invoice invoices issue issues item items journal judge kernel
    keyword keywords kind label labels land language languages latitude launch layer leader league learning lease
    leave ledger length lesson level levels library license licence line lines link links list listing listings lists
    load loan loans location locations login longitude loss machine mail maintenance manager managers manufacturer
    margin market marketing markets master match matches material matrix meal measure measurement media medical member
    members membership memo menu merchant message messages metadata meter method methods metric metrics middle mission
    mobile model models module money month monthly movement movie movies music name names nation network news node
    nodes note notes notice notification number numbers object observation occupation occurrence offer offers office
    offices officer online open opening operation operations operator opportunity option options order orders
    organization organizations organisation origin outcome outcomes output owner owners package packages page pages
    parameter parameters parent part participant parties partition partner partners party passenger password path
    pathway patient patients pattern payment payments people percent percentage performance period permission person
    persons phase phone photo photos picture pipeline place plan planned plans plant plate platform player players
    point points policies policy poll pool population portal portfolio position positions post posting posts power
    practice preference prescription presence price prices pricing primary print priority privacy problem procedure
    procedures process processing product production products professional profile profiles profit program programs
    project projects promotion properties property protein protocol provider providers province publication
    publications publisher purchase purchases purpose quality quantity quarter queries query question questions queue
    quota quote race races range ranking rate rates rating ratings ratio reaction reader reading reason reasons receipt
    recipe recipient record records reference references referral referrer refund refunds region regions register
    registration relation relationship relationships release releases rental rentals report reports repository request
    requests requirement requirements research reservation reservations resource resources response responses
    restaurant result results return returns revenue review reviews reward risk road role roles room rooms root route
    routes rule rules salary sale sales sample samples schedule schedules scheme school schools score scores screen
    search season seasons seat second section sections sector security segment segments seller sellers sensor sequence
    serial series server service services session sessions setting settings severity shape share shared shares
    sheet shelf shift shipment shipments shipping shop shops show signal sites size skill skills snapshot social
    society song songs source sources space special species speed sport sports staff stage stages standard start state
    statement states station stations statistic statistics stats status step steps stock stocks stop stops storage
    store stores story street string structure student students studies study style subject subjects submission
    subscription subscriptions subtype success suggestion summaries summary supplier suppliers supply support survey
    surveys symbol symptom system systems table tables target targets task tasks teacher teachers team teams technology
    temperature template territories territory test tests text theme thread ticket tickets tier time timer times
    timestamp title titles token tokens tool tools topic topics total totals tour tournament town track tracking
    tracks trade trades traffic train training transaction transactions transfer transfers transit transport travel
    treatment tree trial trip trips truck type types unit units update updates upload usage user username users
    vaccine value values variable variables variant variants vehicle vehicles vendor vendors venue version versions
    video videos view views visit visitor visitors visits voice volume vote voter votes voucher warehouse warning
    warranty waste water wave weather website week weekly weight word words work worker workers workflow workshop
    world year years yield zone zones""".split()
)  # fmt: skip
SHORT = frozenset(
    "tax job web day bid fee pay sub log map tag bus car air app url ads gps sku zip key".split()
)
"""Words of three letters that may begin a name; anywhere else they are found in too many words."""
ENDINGS = frozenset(
    ("id", "ids", "no", "key", "num", "nbr", "pct", "qty", "amt", "desc", "type", "code", "uid")
)
"""Short words that may end a name."""
LONGEST_PART = 16
SHORTEST_PART = 4
SHORTEST = 6
LONGEST = 60


@lru_cache(maxsize=100_000)
def parts_of(word: str) -> tuple[str, ...]:
    """The words that a lower-case word is made of, the fewest; nothing where it is one word or not known whole."""
    length = len(word)
    if not SHORTEST <= length <= LONGEST or word in KNOWN or not word.isascii() or not word.isalpha():
        return ()
    best: dict[int, tuple[str, ...]] = {0: ()}
    for end in range(2, length + 1):
        for start in range(max(0, end - LONGEST_PART), end - 1):
            before = best.get(start)
            if before is None:
                continue
            part = word[start:end]
            if not _may_be(part, start == 0, end == length):
                continue
            known = best.get(end)
            if known is None or len(before) + 1 < len(known):
                best[end] = (*before, part)
    found = best.get(length, ())
    return found if len(found) > 1 else ()


def _may_be(part: str, first: bool, last: bool) -> bool:
    if len(part) >= SHORTEST_PART and part in KNOWN:
        return True
    return (first and part in SHORT) or (last and not first and part in ENDINGS)
