"""The task for anyone's own named entities."""

from __future__ import annotations

from tlbench import SPLIT_OPTIONS, TOKEN_CLASSIFICATION, Option, TaskSpec, deferred


def own_entities() -> TaskSpec:
    """Return the task whose words and entities a user names."""
    return TaskSpec(
        name="nlp/ner-table",
        title="Your own named entities",
        summary="Sentences with a tag for each word, or texts with marked spans; a second file is the source.",
        source="The file in task.source, if there is one.",
        target="The file in task.target.",
        shift="Any difference between the two; with other types of entities the setting is inductive.",
        modality="text",
        kind=TOKEN_CLASSIFICATION,
        metric="entity-f1",
        backbone="text/bert-small",
        label_budget=100,
        data_from="user",
        options=(
            Option(
                name="source",
                default="",
                summary="CoNLL file, on each line a word first and its tag last, in IOB1, IOB2, BIOES or BILOU, an "
                "empty line behind each sentence; or JSON (lines), Parquet table or data set hf://OWNER/NAME with text "
                "and spans, text and entities, or tokens and tags; a fifth is held out, by document if there are any; "
                "or folder with the files train and test (or valid). Empty: no source domain",
            ),
            Option(name="target", default="", summary="the same for the target; its types of entities may be others"),
            *SPLIT_OPTIONS,
        ),
        files=deferred("tlbench_nlp.tasks.own_ner", "files"),
        load=deferred("tlbench_nlp.tasks.own_ner", "load"),
        labels=deferred("tlbench_nlp.tasks.own_ner", "labels"),
    )
