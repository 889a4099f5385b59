"""What the language plugin offers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tlbench import (
    CLASSIFICATION,
    LANGUAGE_MODELLING,
    TOKEN_CLASSIFICATION,
    BackboneSpec,
    DomainSpec,
    LoadRequest,
    Option,
    TaskData,
    TaskSpec,
    hookimpl,
)
from tlbench_nlp.small import small_berts

SNIPPETS = (
    Option(name="source", default="", summary="folder of the movie snippets; else TLBENCH_DATA/sentiment_vader"),
    Option(name="target", default="", summary="folder with the others; else TLBENCH_DATA/sentiment_vader"),
)


def _ner_files(request: LoadRequest) -> Sequence[Path]:
    return [
        *request.files("source", "ner", "wikigold.conll.txt"),
        *request.files("target", "ner", "wnut17train.conll", "emerging.dev.conll", "emerging.test.annotated"),
    ]


def _load_ner(request: LoadRequest) -> TaskData:
    from tlbench_nlp.tasks.ner import load

    return load(_ner_files(request))


def _load_reviews(request: LoadRequest) -> TaskData:
    from tlbench_nlp.tasks.reviews import load

    return load(request)


def _snippet_files(request: LoadRequest) -> Sequence[Path]:
    return [
        *request.files("source", "sentiment_vader", "movieReviewSnippets_GroundTruth.txt"),
        *request.files("target", "sentiment_vader", "amazonReviewSnippets_GroundTruth.txt"),
    ]


def _load_snippets(request: LoadRequest) -> TaskData:
    from tlbench_nlp.tasks.snippets import load_snippets

    return load_snippets(_snippet_files(request))


def _table_files(request: LoadRequest) -> Sequence[Path]:
    from tlbench.readers.folders import place
    from tlbench.readers.tables import check_columns, table_files

    columns = str(request.options["text"]), str(request.options["label"])
    paths = [path for side in ("source", "target") for path in table_files(place(request, side)).values()]
    for path in paths:
        check_columns(path, *columns, quotes=bool(request.options["quotes"]))
    return paths


def _load_table(request: LoadRequest) -> TaskData:
    from tlbench_nlp.tasks.snippets import load_table

    return load_table(request)


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
        ),
        TaskSpec(
            name="nlp/reviews",
            title="Reviews of books to reviews of kitchenware",
            summary="Praise or blame in short reviews that a small grammar makes: nobody wrote them.",
            source="1,500 training and 500 test reviews of books.",
            target="2,000 reviews of kitchenware for training, 800 for the test.",
            shift="Other things and other words for them; five words mean the opposite; the labels stay.",
            mirrors="Amazon multi-domain sentiment, books -> kitchen (Blitzer et al. 2007)",
            modality="text",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="text/bert-tiny",
            label_budget=60,
            load=_load_reviews,
        ),
        TaskSpec(
            name="nlp/sentiment-vader",
            title="Sentiment, movies to products",
            summary="Praise or blame in English snippets, each rated by at least twenty people, all real.",
            source="10,568 snippets of movie reviews (Pang and Lee), a fifth for the test.",
            target="3,610 sentences of product reviews, those of half of the documents for the test.",
            shift="Other things, other words and other writers; the labels stay.",
            mirrors="movie and product sentiment (Blitzer et al. 2007)",
            modality="text",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="text/bert-small",
            label_budget=100,
            licence="MIT",
            data_from="data-root",
            options=SNIPPETS,
            files=_snippet_files,
            load=_load_snippets,
        ),
        TaskSpec(
            name="nlp/lm-vader",
            title="Next words, movies to products",
            summary="What probability a language model gives to the text of reviews; nobody has to label anything.",
            source="10,568 snippets of movie reviews (Pang and Lee), a fifth for the test.",
            target="3,610 sentences of product reviews, those of half of the documents for the test.",
            shift="Other things, other words and other writers.",
            mirrors="domain-adaptive pre-training on reviews (Gururangan et al. 2020)",
            modality="text",
            kind=LANGUAGE_MODELLING,
            metric="log-likelihood",
            backbone="text/gpt2",
            label_budget=400,
            licence="MIT",
            data_from="data-root",
            options=SNIPPETS,
            files=_snippet_files,
            load=_load_snippets,
        ),
        TaskSpec(
            name="nlp/text-table",
            title="Your own texts",
            summary="Two tables of texts with one label each: the same labels under two conditions.",
            source="The table that task.source names.",
            target="The table that task.target names.",
            shift="Whatever differs between the two; the labels stay.",
            modality="text",
            kind=CLASSIFICATION,
            metric="accuracy",
            backbone="text/bert-small",
            label_budget=60,
            data_from="user",
            options=(
                Option(
                    name="source",
                    default="",
                    summary="CSV or TSV table, a fifth held out, or folder with the tables train and test (or valid)",
                ),
                Option(name="target", default="", summary="table or folder with the same columns"),
                Option(name="text", default="text", summary="column of the texts"),
                Option(name="label", default="label", summary="column of the labels"),
                Option(name="quotes", default=True, summary="read quotation marks round cells; false: as characters"),
            ),
            files=_table_files,
            load=_load_table,
        ),
    ]


@hookimpl
def tlbench_backbones() -> list[BackboneSpec]:
    return small_berts()
