"""The kind generation: a text that answers a prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tlbench.learning import LanguageModelling, Metric, Postprocess
from tlbench_generation.metrics import ROUGE, exact, log_likelihood, perplexity, rouge
from tlbench_generation.postprocess import Answers


class Generation(LanguageModelling):
    """The tokens of an answer behind its prompt; trained on those alone, scored by what is written."""

    postprocess: Postprocess = Answers()

    def metrics(self, labels: Sequence[str]) -> Mapping[str, Metric]:
        of_texts = {name: rouge(name, labels) for name in ROUGE}
        return {**of_texts, "exact": exact(labels), "log-likelihood": log_likelihood, "perplexity": perplexity}
