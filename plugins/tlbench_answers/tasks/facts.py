"""Small generated texts of facts about people and about ships, and questions about them: nobody and nothing is real.

A context has facts on two subjects, most of them of the same sort, so that a question is answered only by what is said
of its subject. The data is the same for every seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tlbench import LoadRequest, TaskData
from tlbench_answers.examples import Question, side_of

TOWNS = ("Arle", "Birk", "Colm", "Dorn", "Elst", "Fenn", "Gorse", "Holt", "Irvel", "Jarrow", "Kells", "Lund")
COLOURS = ("red", "blue", "green", "brown", "black", "yellow", "grey", "white")
FACTS = 4
"""Sentences of a context."""
AMBIGUOUS = 0.25
"""Share of contexts that tell the same sort of fact of both subjects."""
OPENINGS = ("", "", "Please say: ", "One more question: ", "Can you help? ", "Just for the book: ")
"""What is said before a question in both domains, so that its first words need not tell what is asked."""
NUMBERS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve")


@dataclass(frozen=True)
class Fact:
    """A sort of fact: how it is said of a subject, how it is asked, and what fills the place of the answer."""

    said: Sequence[str]
    """Sentences with `{who}` and `{what}`; the answer stands for `{what}`. All of them say the same."""
    asked: Sequence[str]
    """Questions with `{who}`, which each of the sentences answers."""
    answers: Sequence[str]
    """Answers, of one or several words."""


@dataclass(frozen=True)
class World:
    """Subjects, and what can be said of each."""

    subjects: Sequence[str]
    facts: Mapping[str, Fact]


PEOPLE = World(
    subjects=("Anna", "Boris", "Clara", "David", "Edith", "Felix", "Greta", "Henry", "Irma", "Jonas", "Karla", "Leon"),
    facts={
        "place": Fact(
            said=("{who} lives in {what}.", "The house of {who} is in {what}.", "{who} has a house in {what}."),
            asked=("Where does {who} live?", "In which town is the house of {who}?"),
            answers=TOWNS,
        ),
        "number": Fact(
            said=("{who} keeps {what} goats.", "{who} has {what} goats."),
            asked=("How many goats does {who} keep?", "How many goats has {who}?"),
            answers=NUMBERS,
        ),
        "colour": Fact(
            said=("{who} wears a {what} coat.", "The coat of {who} is {what}."),
            asked=("Which colour has the coat of {who}?", "What is the colour of the coat of {who}?"),
            answers=(*COLOURS, *(f"dark {colour}" for colour in COLOURS[:4])),
        ),
        "year": Fact(
            said=("{who} was born in {what}.", "{who} came to the world in {what}."),
            asked=("When was {who} born?", "In which year was {who} born?"),
            answers=tuple(str(year) for year in range(1931, 1999, 3)),
        ),
        "trade": Fact(
            said=("{who} works as a {what}.", "{who} is a {what} by trade."),
            asked=("What is the trade of {who}?", "What does {who} work as?"),
            answers=("baker", "smith", "ship builder", "teacher", "night nurse", "miller", "book seller", "cook"),
        ),
    },
)
SHIPS = World(
    subjects=("Aurora", "Beluga", "Comet", "Dolphin", "Esker", "Falcon", "Gannet", "Heron", "Ibis", "Jaguar"),
    facts={
        "place": Fact(
            said=("The {who} is moored at {what}.", "{what} is where the {who} is moored."),
            asked=("Where is the {who} moored?", "At which place is the {who} moored?"),
            answers=(*TOWNS[:6], "Port Maule", "North Quay", "Skerry", "Vane Harbour", "Tarn"),
        ),
        "number": Fact(
            said=("A crew of {what} sails the {who}.", "The {who} is sailed by {what} hands."),
            asked=("How many sail the {who}?", "By how many hands is the {who} sailed?"),
            answers=NUMBERS,
        ),
        "colour": Fact(
            said=("The hull of the {who} was painted {what}.", "The {who} has a {what} hull."),
            asked=("Which colour was the hull of the {who} painted?", "What colour is the hull of the {who}?"),
            answers=(*COLOURS, *(f"pale {colour}" for colour in COLOURS[:4])),
        ),
        "year": Fact(
            said=("The {who} was launched in {what}.", "In {what} came the launch of the {who}."),
            asked=("When was the {who} launched?", "In which year was the launch of the {who}?"),
            answers=tuple(str(year) for year in range(1932, 2010, 3)),
        ),
        "cargo": Fact(
            said=("The cargo of the {who} is {what}.", "The {who} took {what} as its cargo."),
            asked=("What is the cargo of the {who}?", "What did the {who} take as its cargo?"),
            answers=("coal", "timber", "salt fish", "wool", "iron ore", "grain", "roof tiles", "paper"),
        ),
    },
)


def load(request: LoadRequest) -> TaskData:
    """Return 1,500 questions on people for training and 500 for the test, and 1,500 and 600 on ships."""
    source, target = np.random.default_rng(11), np.random.default_rng(12)
    return TaskData(
        source=side_of(_questions(source, PEOPLE, 1500), _questions(source, PEOPLE, 500), ()),
        target=side_of(_questions(target, SHIPS, 1500), _questions(target, SHIPS, 600), ()),
        reading={},
    )


def _questions(draw: np.random.Generator, world: World, count: int) -> list[Question]:
    return [_question(draw, world) for _ in range(count)]


def _question(draw: np.random.Generator, world: World) -> Question:
    """Return a question about one of two subjects, of which four facts are told."""
    subjects = draw.choice(world.subjects, 2, replace=False).tolist()
    sorts = draw.choice(sorted(world.facts), FACTS, replace=False).tolist()
    told = [(str(draw.choice(subjects)), sort) for sort in sorts]
    if draw.random() < AMBIGUOUS:
        told[:2] = [(who, sorts[0]) for who in subjects]
    told = [told[place] for place in draw.permutation(FACTS)]
    wanted, context = int(draw.integers(FACTS)), ""
    for place, (who, sort) in enumerate(told):
        fact = world.facts[sort]
        said, what = str(draw.choice(fact.said)), str(draw.choice(fact.answers))
        context += " " * bool(context)
        if place == wanted:
            question = str(draw.choice(OPENINGS)) + str(draw.choice(fact.asked)).format(who=who)
            answer = what, len(context) + len(said[: said.index("{what}")].format(who=who))
        context += said.format(who=who, what=what)
    return Question(question=question, context=context, answers=(answer,))
