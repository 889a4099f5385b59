from __future__ import annotations

import pytest

from tlbench import ContractError, Option, UsageError, training_options


def option(default):
    return Option(name="thing", default=default, summary="a thing")


@pytest.mark.parametrize(
    ("default", "given", "parsed"),
    [
        (1, "20", 20),
        (1, "2e3", 2000),
        (1, 5.0, 5),
        (0.5, "3", 3.0),
        (0.5, "1e-3", 0.001),
        (False, "true", True),
        (True, "FALSE", False),
        (True, False, False),
        ("", "some/where", "some/where"),
        ("", 3, "3"),
    ],
)
def test_a_value_is_read_as_the_type_of_the_default(default, given, parsed):
    value = option(default).parse(given)
    assert (value, type(value)) == (parsed, type(default))


def test_a_default_goes_by_the_traits_of_the_backbone_beside_it():
    size = Option(name="size", default=32, summary="a size", by_trait={"scales": 0})
    assert (size.default_for(()), size.default_for(("batchnorm", "scales"))) == (32, 0)


@pytest.mark.parametrize(
    ("default", "given", "takes"),
    [
        (1, "2.5", "a whole number"),
        (1, "many", "a whole number"),
        (1, "inf", "a whole number"),
        (1, "nan", "a whole number"),
        (0.5, "fast", "a number"),
        (0.5, "nan", "a number"),
        (0.5, "-inf", "a number"),
        (False, "1", "true or false"),
        (False, "yes", "true or false"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_is_taken(default, given, takes):
    with pytest.raises(UsageError, match=f'"{given}" for the option "thing": use {takes}'):
        option(default).parse(given)


def test_training_options_are_those_that_the_training_loop_reads():
    options = {option.name: option.default for option in training_options(steps=7, learning_rate=0.1)}
    assert options == {"steps": 7, "learning_rate": 0.1, "batch_size": 64, "weight_decay": 1e-4}


@pytest.mark.parametrize(("name", "value"), [("steps", -1), ("batch_size", 0), ("learning_rate", -0.1)])
def test_numbers_below_the_least_are_refused(name, value):
    (option,) = [one for one in training_options(steps=5, learning_rate=0.1) if one.name == name]
    with pytest.raises(UsageError, match=f'"{name}": use [01] or more'):
        option.parse(value)


def test_numbers_above_the_most_are_refused():
    share = Option(name="share", default=0.5, summary="", least=0, most=1)
    assert share.parse("1") == 1
    with pytest.raises(UsageError, match=r'"1\.5" for the option "share": use 1 or less'):
        share.parse("1.5")


@pytest.mark.parametrize("name", ["fisher-examples", "2nd", "", "a b"])
def test_a_name_that_cannot_be_set_is_refused(name):
    with pytest.raises(ContractError, match="use letters, digits and _"):
        Option(name=name, default=1, summary="")
