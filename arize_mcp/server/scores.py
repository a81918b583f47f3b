"""Fields that look like scores, but that Arize won't show: it shows numbers in ``eval.<name>.score``."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, Literal, cast

from arize_mcp.api.problems import plain

_MAX_NAMES: Final = 5
_MAX_NAME_CHARS: Final = 60
_SCORE_WORDS: Final = {"score", "scores"}
_EVALUATION_WORDS: Final = {"eval", "evals", "evaluation", "evaluations", "evaluator", "evaluators"}
_OTHER_WORDS: Final = {"annotations", "grade", "grades", "metrics", "rating", "ratings"}
_METRICS: Final = {
    "accuracy", "bleu", "correctness", "f1", "faithfulness", "groundedness", "hallucination", "helpfulness",
    "precision", "recall", "relevance", "rouge", "similarity", "toxicity",
}  # fmt: skip
_MEASURE_WORDS: Final = {"cost", "duration", "latency", "ms", "s", "seconds", "time", "tokens", "usd"}
_SHOWN: Final = re.compile(r"eval\..+?\.(score|label|explanation|(metadata|trace)\..+)", re.DOTALL)
"""The names that Arize's own clients send."""

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_NUMBER: Final = re.compile(r"\s*-?\d+(\.\d+)?\s*%?\s*")


def note_on_scores(runs: Iterable[Mapping[str, Any]]) -> str | None:
    """What to say of fields that look like scores and won't show as such; None where there are none.

    Args:
        runs: the further fields of each run, beside example_id and output.
    """
    fields = Counter(name for run in runs for name, value in run.items() if _is_lost_score(name, value))
    if not fields:
        return None
    told = [
        f"{plain(name, _MAX_NAME_CHARS)} ({count} run{'s' if count > 1 else ''})"
        for name, count in fields.most_common(_MAX_NAMES)
    ]
    if more := len(fields) - len(told):
        told.append(f"{more} more")
    subject = "1 field looks like a score" if len(fields) == 1 else f"{len(fields)} fields look like scores"
    return (
        f"{subject} and won't show as such: {', '.join(told)}; scores are numbers in `eval.<name>.score`, labels "
        "strings in `eval.<name>.label`."
    )


_Looks = Literal["eval.", "score", "evaluation", "other", "metric"]


# A thousand runs have the same few names.
@lru_cache(maxsize=256)
def _words(name: str) -> tuple[str, ...]:
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=256)
def _looks(name: str) -> _Looks | None:
    """Which kind of score the name alone may be of."""
    words = _words(name)
    if name.startswith("eval."):
        return "eval."
    if not _SCORE_WORDS.isdisjoint(words):
        return "score"
    if not _EVALUATION_WORDS.isdisjoint(words[:1]):
        return "evaluation"
    if len(words) == 1 and words[0] in _OTHER_WORDS:
        return "other"
    return "metric" if name.lower() in _METRICS else None


def _is_lost_score(name: str, value: Any) -> bool:
    looks = _looks(name)
    if looks is None:
        return _holds_scores(value)
    if value is None or value in ("", [], {}):
        return False
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    words = _words(name)
    is_structured = isinstance(value, dict | list | bool)
    is_score = is_structured or number is not None or (isinstance(value, str) and _NUMBER.fullmatch(value) is not None)
    match looks:
        case "eval.":
            shown = _SHOWN.fullmatch(name)
            will_show = {"score": number is not None, "label": isinstance(value, str)}
            return shown is None or not will_show.get(shown[1], True)
        case "score":
            return is_score or len(words) == 1
        case "evaluation":
            is_share = number is not None and 0 <= number <= 1 and not _MEASURE_WORDS.intersection(words)
            return len(words) == 1 or is_structured or is_share
        case "other":
            return is_score
        case "metric":
            return number is not None or isinstance(value, bool) or _holds_scores(value)


def _holds_scores(value: Any) -> bool:
    if isinstance(value, list):
        # Search results have scores too, but no names.
        named = [cast("dict[str, Any]", each) for each in cast("list[Any]", value) if isinstance(each, dict)]
        return any(not each.keys().isdisjoint(("name", "key")) and "score" in each for each in named)
    return isinstance(value, dict) and any(
        _SHOWN.fullmatch(key) or key.lower() in _EVALUATION_WORDS | _SCORE_WORDS
        for key in cast("dict[str, Any]", value)
    )
