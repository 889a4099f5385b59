"""What the plugin of analyses offers."""

from __future__ import annotations

from tlbench import AnalysisSpec, Option, deferred, hookimpl

TLBENCH_API = 2
SOME = Option(name="examples", default=6, summary="target test examples, drawn by the seed", least=1)
ATTRIBUTION = (
    "Deletion is the mean probability of the predicted class while parts of the input are replaced, the most important "
    "first: lower is better, and it should be below deletion at random, where parts are replaced in a random order. "
    "Agreement is the rank correlation of the values before and after adaptation: 1 is the same order, 0 no relation. "
    "In the picture, red adds to the probability of the class that the adapted model predicts, and blue takes from it. "
    "All panels share one scale. They show examples of each predicted class in turn, so they "
    "may be others than those of the numbers."
)


@hookimpl
def tlbench_analyses() -> list[AnalysisSpec]:
    return [*of_models(), *of_predictions()]


def of_models() -> list[AnalysisSpec]:
    return [
        AnalysisSpec(
            name="cka",
            title="Similarity of representations (CKA)",
            summary="Linear CKA of each block's outputs before and after adaptation: 1 is unchanged up to rotation and "
            "scale.",
            paper="Kornblith et al. 2019, Similarity of neural network representations revisited, arXiv:1905.00414",
            options=(Option(name="examples", default=128, summary="target test examples, drawn by the seed", least=2),),
            reading="Blocks stand in the order of the network, with their whole outputs, channels and positions; only "
            "positions whose number depends on the example are averaged, and outputs of more than 262,144 values are "
            "compared at as many places. 1: adaptation left a block's outputs as they "
            "were; near 0: they have little in common with those before. Neither is better in itself.",
            analyse=deferred("tlbench_analyses.cka", "cka"),
        ),
        AnalysisSpec(
            name="drift",
            title="Drift of weights",
            summary="How far the weights of each block moved from the source model, relative to their size.",
            paper="Neyshabur et al. 2020, What is being transferred in transfer learning?, arXiv:2008.11687",
            reading="0: the weights are those of the source model; 1: they moved by as much as their own size. "
            "Neither is better in itself: a frozen encoder has 0.",
            analyse=deferred("tlbench_analyses.drift", "drift"),
        ),
        AnalysisSpec(
            name="feature-map",
            title="Map of features",
            summary="Source and target test features on two principal components, before and after adaptation, and the "
            "distance of the domains' means.",
            paper="Pearson 1901, On lines and planes of closest fit to systems of points in space; Tzeng et al. 2014, "
            "arXiv:1412.3474",
            options=(
                Option(
                    name="examples", default=300, summary="test examples of each domain, drawn by the seed", least=2
                ),
            ),
            reading="Distance 0: both domains have the same mean feature; 1: the means are as far apart as features "
            "usually are from their own mean. Lower is a smaller shift between domains. Each point is a test example; "
            "before and after have axes of their own, so compare shapes and overlap, not places.",
            analyse=deferred("tlbench_analyses.feature_map", "feature_map"),
        ),
    ]


def of_predictions() -> list[AnalysisSpec]:
    return [
        AnalysisSpec(
            name="occlusion",
            title="Occlusion",
            summary="How much the probability of the predicted class falls without a patch, token, window or column.",
            paper="Zeiler & Fergus 2014, Visualizing and understanding convolutional networks, arXiv:1311.2901; "
            "deletion: Samek et al. 2017, arXiv:1509.06321",
            needs=("class-probabilities", "one-prediction"),
            requires=("captum", "matplotlib", "scipy"),
            extra="explain",
            options=(SOME,),
            reading=ATTRIBUTION,
            analyse=deferred("tlbench_analyses.attribution", "occlusion"),
        ),
        AnalysisSpec(
            name="integrated-gradients",
            title="Integrated gradients",
            summary="What each patch, token, window or column adds to the probability of the predicted class.",
            paper="Sundararajan et al. 2017, Axiomatic attribution for deep networks, arXiv:1703.01365; deletion: "
            "Samek et al. 2017, arXiv:1509.06321",
            needs=("class-probabilities", "one-prediction"),
            requires=("captum", "matplotlib", "scipy"),
            extra="explain",
            options=(SOME,),
            reading=ATTRIBUTION,
            analyse=deferred("tlbench_analyses.attribution", "integrated_gradients"),
        ),
    ]
