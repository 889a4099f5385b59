"""Scores of answers by the metrics of SQuAD in transformers 4, which are derived from its script evaluate-v2.0.

transformers 5 no longer has them, so that they are kept in `squad_vectors.json`. To make them again:

    cd tests/plugins
    uv run --no-project --with "transformers==4.57.1" python squad_vectors.py > squad_vectors.json
"""

from __future__ import annotations

import json
import random
from types import SimpleNamespace

EDGES = (
    *("", " ", "a", "The", "the an", "A.", ".", "...", "-", "a b", "A  b", "the b.", "b,", "b-a", "ba", "a-b", "a\tb"),
    *("an apple", "apple", "Apple's", "apples", "U.S.", "US", "u s", "1,000", "1000", "$5", "5"),
    *("the the cat cat", "cat"),
    *("É", "é", "e\u0301", "naïve", "NAÏVE", "«b»", "“b”", "b\u00a0c", "b\u2003c", "b\u200bc", "ß", "SS", "İ", "i"),
    *("東京", "東 京", "a東京", "the\u00a0b", "theb", "ana", "A_b", "b–c", "b—c", "٣", "3", "a\nb"),
    *("cat dog cat", "dog cat"),
)  # fmt: skip
SIGNS = "aAnthe cd.,-é'_\u00a0京"
WORDS = ("the", "a", "An", "Fenn", "fenn.", "Port", "Maule", "maule,", "—", "1990s", "l'été", "東京", "-", "of", "of")


def texts(draw: random.Random) -> str:
    """Return a random text of words, or of signs."""
    if draw.random() < 0.5:
        return " ".join(draw.choices(WORDS, k=draw.randrange(6)))
    return "".join(draw.choices(SIGNS, k=draw.randrange(9)))


def vectors() -> dict[str, object]:
    """Return pairs of reference and answer with their scores, and questions with what `squad_evaluate` says."""
    from transformers.data.metrics import squad_metrics

    draw = random.Random(0)
    pairs = [(one, draw.choice(EDGES)) for one in EDGES] + [(one, one) for one in EDGES]
    pairs += [(texts(draw), texts(draw)) for _ in range(120)]
    questions = []
    for _ in range(60):
        # The script leaves out references without a word, if there are others; without any, there is no answer.
        known = [text for text in (texts(draw) for _ in range(4)) if squad_metrics.normalize_answer(text)]
        answers = known[: draw.randrange(4)]
        questions.append((draw.choice(["", texts(draw), *answers]), answers))
    asked = [
        SimpleNamespace(qas_id=str(place), answers=[{"text": text} for text in known])
        for place, (_, known) in enumerate(questions)
    ]
    said = {str(place): answer for place, (answer, _) in enumerate(questions)}
    return {
        "pairs": [[*pair, squad_metrics.compute_exact(*pair), squad_metrics.compute_f1(*pair)] for pair in pairs],
        "questions": questions,
        "evaluated": squad_metrics.squad_evaluate(asked, said),
    }


if __name__ == "__main__":
    print(json.dumps(vectors()))
