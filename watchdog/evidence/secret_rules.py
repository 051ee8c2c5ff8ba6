"""What is taken for a secret: what is named like one, and what looks like one.

In doubt too much goes rather than too little. Every rule is linear in the length of the text: no
rule looks further ahead or back than a fixed number of characters, save over what it then consumes.

Python before 3.11.5, Debian 12's among them, does not go back to where a possessive repeat of a
group ended (gh-106052): groups are repeated within an atomic group instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MASK = "[redacted]"

# What a value begins and ends with, escaped as often as its text is nested: " \" \\\"
_QUOTED = r"""(?P<{q}>\\*+["'])(?>(?:(?!(?<!\\)(?P={q}))[^\r\n])*)"""
_OPENING = r"""(?:[\[(]{1,2}[ \t]{0,3}(?=b?\\{0,3}["']))?"""
_BYTES = r"""(?:b(?=\\{0,3}["']))?"""
_QUOTE = r"""(?:\\{0,3}["']|%(?:25){0,2}2[27])"""
_AFTER_KEY = rf"{_QUOTE}?(?:\]|%(?:25){{0,2}}5d)?[ \t]{{0,32}}"

# password: str = …
_TYPE = (
    r":[ \t]{0,3}(?:[a-z]{1,12}\.)?(?:(?:optional|final)\[)?(?:secret)?(?:str|string|bytes|any)"
    r"\]?(?:[ \t]\|[ \t]none)?[ \t]{0,3}="
)
_ASSIGN = rf"(?:{_TYPE}|[=:]{{1,3}}>?|%(?:25){{0,2}}3[ad])[ \t]{{0,32}}{_OPENING}{_BYTES}"

# A value without quotes ends at a blank, at the quote around it all, or at the next parameter.
_BARE = r"""(?>(?:[^\s&"']++|&(?![\w.\[\]%-]{1,32}=)|(?<![{\[(:,=\\])["'](?=\w))+)"""

# tokens and token_count are what language models bill; PASSWORD_FILE says where, not what.
_HARMLESS = (
    r"(?![_-]?(?:s\b|s_|count|type|kind|limit|usage|file|path|dir|len|size|expir|ttl|age|policy"
    r"|url|uri|iz|is[ei]))"
)
_NAMES = (
    r"passw(?:or)?d|passphrase|secret|token(?![_-]?ids?\b)|credentials?|csrf|session[_ -]?id"
    r"|signature|(?:api|access|account|private|encryption|signing|master|shared|auth)[_ -]?key"
)
_SHORT_NAMES = (
    r"(?<![a-z])(?:pass|pw|auth|(?<=[?&;])sig)(?= ?=|[\"'])|pwd"  # "pass: 3" counts tests
    r"|(?<=[a-z0-9]_)pass(?![a-z0-9])"
)
_SUFFIXES = r"(?>(?:[_.-]?[A-Za-z0-9]{1,32}){0,3})"
# token.py:42 is where an error is, not what a token is.
_NO_FILE = (
    r"(?<!\.[ch])(?<!\.(?:py|js|ts|go|rs|rb|sh|cc|cs|kt|md|so))"
    r"(?<!\.(?:cpp|jsx|tsx|php|sql|txt|log|yml|ini|cfg|env|xml|pem|crt))"
    r"(?<!\.(?:json|yaml|toml|java|conf|html))"
)
_KEY = rf"(?:(?:{_NAMES}){_HARMLESS}{_SUFFIXES}{_NO_FILE}|{_SHORT_NAMES})"

_HEADER = r"(?:proxy-)?authorization|(?:set-)?cookie2?|(?<![\w-])x-[a-z-]{0,32}(?:key|token|secret)"

_TOKEN = re.compile(
    r"(?:(?<![A-Za-z0-9])|(?<=%[0-9A-Fa-f]{2}))(?:"
    r"xox[a-z][-.][A-Za-z0-9.-]{4,}+|xapp-[A-Za-z0-9-]{4,}+"  # Slack
    r"|gh[oprsu]_[A-Za-z0-9]{6,}+|github_pat_\w{6,}+|gl(?:pat|rt|dt)-[\w-]{6,}+"
    r"|[prs]k_(?:live|test)_[A-Za-z0-9]{4,}+|whsec_[A-Za-z0-9+/=]{6,}+"  # Stripe
    r"|sk-(?=[A-Za-z_-]{0,64}[0-9])[\w-]{12,}+"  # OpenAI, Anthropic
    r"|AIza[\w-]{12,}+|ya29\.[\w.-]{8,}+|SG\.[\w-]{8,}+(?:\.[\w-]*+)?"
    r"|npm_[A-Za-z0-9]{12,}+|hf_[A-Za-z0-9]{12,}+|pypi-[\w-]{12,}+"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{8,}+"  # AWS
    r"|lsv2_(?:pt|sk)_\w{8,}+|gsk_[A-Za-z0-9]{12,}+|hv[bs]\.[\w-]{8,}+"  # LangSmith, Groq, Vault
    r"|dckr_pat_[\w-]{6,}+|shp(?:at|ca|pa|ss)_[A-Za-z0-9]{8,}+|do[opr]_v1_[A-Za-z0-9]{8,}+"
    r"|eyJ[\w-]{8,}+(?>(?:\.[\w-]*+){0,4})"  # JSON Web Token
    r")"
    r"|(?<![0-9])[0-9]{8,10}:AA[\w-]{20,}+"  # Telegram, in URLs right behind "bot"
)
_HOOK = re.compile(
    r"(hooks\.slack\.com/|discord(?:app)?\.com/api/webhooks/|webhook\.office\.com/)[^\s\"'<>]++",
    re.IGNORECASE,
)
_IN_QUOTES = _QUOTED.format(q="q")
_QUOTED_HEADER = re.compile(
    rf"\b((?:{_HEADER})\\{{0,3}}[\"']\]?[ \t]{{0,32}}"
    rf"(?:[:=]>?|,(?=[ \t]{{0,32}}{_BYTES}\\{{0,3}}[\"']))[ \t]{{0,32}}{_OPENING}{_BYTES})"
    rf"(?:{_IN_QUOTES}|[^\r\n\"']*+)",
    re.IGNORECASE,
)
# Its value may hold quotes of its own, so it goes to the end of the line.
_HEADER_LINE = re.compile(
    rf"\b((?:{_HEADER})\]?[ \t]{{0,32}}"
    rf"(?::[ \t]{{0,32}}|=[ \t]{{0,32}}{_OPENING}{_BYTES}(?P<names>(?=\\{{0,3}}[\"']))?))"
    rf"(?(names){_IN_QUOTES}|[^\r\n]*+)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    rf"({_KEY}{_AFTER_KEY}{_ASSIGN})(?:{_IN_QUOTES}|(?P<bare>{_BARE}))", re.IGNORECASE
)
# ("password", "…"): a list of names, of which this is not the first, stays.
_PAIR = re.compile(
    rf"([\[(]b?\\{{0,3}}[\"'][\w.-]{{0,32}}?{_KEY}\\{{0,3}}[\"'][ \t]{{0,3}},[ \t]{{0,32}}{_BYTES})"
    rf"{_IN_QUOTES}",
    re.IGNORECASE,
)
# As Kubernetes lists variables: the name is the value of one key, the secret that of the next.
_NAMED_VALUE = re.compile(
    rf"(\b(?:name|key)\\{{0,3}}[\"']?[ \t]{{0,3}}[:=]"
    rf"[ \t]{{0,3}}\\{{0,3}}[\"'][\w.-]{{0,32}}?{_KEY}"
    rf"\\{{0,3}}[\"'][ \t]{{0,3}},?[ \t]{{0,3}}\\{{0,3}}[\"']?value\\{{0,3}}[\"']?"
    rf"[ \t]{{0,3}}[:=][ \t]{{0,3}}){_IN_QUOTES}",
    re.IGNORECASE,
)
_SAID = re.compile(
    rf"(\b(?:passw(?:or)?d|passphrase|identified[ \t]{{1,3}}by)[ \t]{{1,3}}){_IN_QUOTES}",
    re.IGNORECASE,
)
_OPTION = re.compile(
    rf"((?<=-)(?:[a-z]{{1,16}}-)?{_KEY}"
    rf"(?:[ \t]{{1,32}}|\\{{0,3}}[\"'],[ \t]{{0,32}}(?=\\{{0,3}}[\"'])))"
    rf"(?!-)(?:{_IN_QUOTES}|(?P<bare>{_BARE}))",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"((?<![^\s\"'])(?:-u|--user)[ =]{1,3}[^\s:\"']{1,64}:)[^\s\"']++")
_ELEMENT = re.compile(rf"(<[^<>\s]{{0,32}}?(?:{_NAMES})>)[^<\r\n]++", re.IGNORECASE)
_SCHEME = re.compile(r"\b((?:bearer|basic)[ \t]{1,3})([A-Za-z0-9._~+/=-]{6,}+)", re.IGNORECASE)
_URL = re.compile(r"(://)([^\s\"'<>]++)")
_PORT = re.compile(r"[0-9]{1,5}(?:[/?#,]|…?\Z)")
EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}+@[A-Za-z0-9-]{1,63}+(?>(?:\.[A-Za-z0-9-]{1,63}+)+)"
)

# AWS secret keys and lines of a private key: nothing names them but their look.
BLOB = re.compile(r"(?<![A-Za-z0-9+/=_.-])[A-Za-z0-9+/]{40,}+(?:={0,2})(?![A-Za-z0-9+/=_.-])")
KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")

# Colours may stand between a name and its value; nobody who reads evidence needs them.
TERMINAL = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]?|[@-Z\\^_-])")

# What stands behind a name in prose, or instead of a value.
_NOTHING = frozenset(
    f" null none nil true false undefined {MASK.lower()[1:-1]}"
    " yes no not must invalid missing expired incorrect could cannot wrong required unexpected"
    " denied failed mismatch too is was has".split(" ")
)
_AROUND = "{[(\\.,;:)}]"
_COUNT = re.compile(r"[0-9]{1,5}")
_COUNTED = re.compile(r"(?:token|pass(?![pw])|sig)", re.IGNORECASE)
_PROSE = re.compile(
    r"(?!(?:bearer|basic|digest|negotiate|ntlm|token|api-?key|key|hmac|hawk)\b)"
    r"[a-z]{1,20}[,:;]?(?: [a-z]{1,20}[,:;]?){2}(?![^ ,:;])[^=]*+"
)


def _assigned(match: re.Match[str]) -> str:
    name, bare = match[1], match["bare"]
    if bare is not None and (
        _is_nothing(bare)
        # How many tokens, how many tests: four digits of a password would be another matter.
        or (
            _COUNTED.match(name) and not _is_suffix(match) and _COUNT.fullmatch(bare.strip(_AROUND))
        )
        # The shell's working directory.
        or (name.lower().startswith("pwd") and bare.startswith("/"))
    ):
        return match[0]
    return _quoted(match)


def _is_nothing(bare: str) -> bool:
    return bare.strip(_AROUND).lower() in _NOTHING


def _is_suffix(match: re.Match[str]) -> bool:
    """Tell whether the name is the end of another: DB_PASS counts nothing."""
    return match[1].lower().startswith("pass") and match.string[max(match.start() - 1, 0)] == "_"


def _header(match: re.Match[str]) -> str:
    value = match.string[match.end(1) : match.end()]
    first = value.split(maxsplit=1)[0].strip(_AROUND) if value.strip() else "none"
    is_prose = "=" not in value and first != "" and _is_nothing(first)
    return match[0] if is_prose or _PROSE.fullmatch(value) else _quoted(match)


def _quoted(match: re.Match[str]) -> str:
    is_empty = match["q"] and match.end() == match.end("q")
    return match[0] if is_empty else match[1] + (match["q"] or "") + MASK


def _after_first(match: re.Match[str]) -> str:
    return match[1] + MASK


def _scheme(match: re.Match[str]) -> str:
    # "basic authentication" is prose; what base64 makes is not all of one case.
    is_prose = not any(char.isupper() or char.isdigit() for char in match[2])
    return match[0] if is_prose else match[1] + MASK


def _url(match: re.Match[str]) -> str:
    # Several may stand in a row: postgres://…,postgres://…
    return match[1] + "://".join(map(_without_password, match[2].split("://")))


def _without_password(url: str) -> str:
    """Return *url*, given without its scheme, without its password; it may hold @ and / itself."""
    before, at, host = url.rpartition("@") if "@" in url else (url, "", "")
    user, colon, password = before.partition(":")
    is_cut = not at and url.endswith("…")
    if not colon or "/" in user or not (at or is_cut) or _PORT.match(password):
        return url
    return f"{user}:{MASK}{at}{host}"


def _blob(match: re.Match[str]) -> str:
    text = match[0]
    fifth = len(text) // 5  # of random text each case has two
    cases = min(sum(map(str.isupper, text)), sum(map(str.islower, text)))
    is_random = cases >= fifth and any(map(str.isdigit, text))
    is_path = text.count("/") > len(text) // 12
    return MASK if is_random and not is_path else text


RULES: Sequence[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = (
    # A key on one line, its line ends written as \n; of a key that was cut all that is left.
    (re.compile(rf"({KEY_BEGINS.pattern})(?>(?:(?!-----END)[^\r\n])*)"), _after_first),
    (_QUOTED_HEADER, _quoted),
    (_HEADER_LINE, _header),
    (_HOOK, _after_first),
    (_URL, _url),
    (_NAMED_VALUE, _quoted),
    (_PAIR, _quoted),
    (_SAID, _quoted),
    (_ASSIGNED, _assigned),
    (_OPTION, _assigned),
    (_LOGIN, _after_first),
    (_ELEMENT, _after_first),
    (_TOKEN, MASK),
    (_SCHEME, _scheme),
    (BLOB, _blob),
)
