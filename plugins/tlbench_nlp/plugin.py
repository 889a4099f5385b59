"""What the language plugin offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlbench import (
    TOKEN_CLASSIFICATION,
    BackboneSpec,
    BuildRequest,
    DomainSpec,
    FitRequest,
    LoadRequest,
    Option,
    PrepareRequest,
    TaskData,
    TaskSpec,
    hookimpl,
)

if TYPE_CHECKING:
    from tlbench.data import Columns
    from tlbench.model import Encoder


def _ner_files(request: LoadRequest) -> Sequence[Path]:
    return [
        *request.files("source", "ner", "wikigold.conll.txt"),
        *request.files("target", "ner", "wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
    ]


def _load_ner(request: LoadRequest) -> TaskData:
    from tlbench_nlp.tasks.ner import load

    return load(_ner_files(request))


def _fit_bert(request: FitRequest) -> dict[str, Any]:
    from tlbench_nlp.backbones.bert import fit

    return fit(request)


def _prepare_text(request: PrepareRequest) -> Columns:
    from tlbench_nlp.backbones.bert import prepare

    return prepare(request)


def _build_bert(request: BuildRequest) -> Encoder:
    from tlbench_nlp.backbones.bert import build

    return build(request)


@hookimpl
def tlbench_domains() -> list[DomainSpec]:
    return [DomainSpec(name="nlp", title="Language", summary="Written text.")]


@hookimpl
def tlbench_tasks() -> list[TaskSpec]:
    return [
        TaskSpec(
            name="nlp/ner-wikipedia-social",
            title="Named entities, Wikipedia to social media",
            summary="Persons, locations, organisations and other names in edited and in noisy English, both real.",
            source="wikigold: 1,841 sentences of Wikipedia, every fifth for the test.",
            target="WNUT 17: 4,403 sentences of tweets and comments for training, the published 1,287 for the test.",
            shift="Edited text to noisy text with names that are new and rare; the labels stay.",
            mirrors="CoNLL 2003 -> WNUT 17 (Derczynski et al. 2017)",
            modality="text",
            kind=TOKEN_CLASSIFICATION,
            metric="entity-f1",
            backbone="text/bert-small",
            label_budget=400,
            licence="wikigold and WNUT 17: CC BY 4.0",
            data_from="data-root",
            options=(
                Option(name="source", default="", summary="folder with the wikigold file; else TLBENCH_DATA/ner"),
                Option(name="target", default="", summary="folder with the WNUT 17 files; else TLBENCH_DATA/ner"),
            ),
            files=_ner_files,
            load=_load_ner,
        )
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return [
        BackboneSpec(
            name="text/bert-small",
            modality="text",
            title="Small BERT",
            summary="transformers' BertModel, made small, over byte pairs learnt from the source's training text.",
            layouts=("pooled", "sequence"),
            recipe={
                "batch_size": 32,
                "source.steps": 600,
                "source.learning_rate": 2e-3,
                "finetune.steps": 150,
                "finetune.learning_rate": 1e-3,
                "scratch.steps": 300,
                "scratch.learning_rate": 1e-3,
                "oracle.steps": 900,
                "oracle.learning_rate": 1e-3,
                "adversarial.steps": 150,
                "adversarial.learning_rate": 1e-3,
            },
            options=(
                Option(name="vocabulary", default=3000, summary="byte pairs to learn", unit="pieces"),
                Option(name="max_length", default=160, summary="longest input; more is cut", unit="pieces"),
                Option(name="hidden", default=64, summary="size of a feature"),
                Option(name="layers", default=2, summary="transformer layers"),
                Option(name="dropout", default=0.1, summary="dropout in training"),
            ),
            requires=("transformers", "tokenizers"),
            extra="nlp",
            fit=_fit_bert,
            prepare=_prepare_text,
            build=_build_bert,
        )
    ]
