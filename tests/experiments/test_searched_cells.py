"""Where XML can be known, streams that are not read twice, and a search for a rate that costs all cells the same."""

import numpy as np
import pytest

from experiments.searched_cells import CELLS, LOOKS, Chorales, Strings, closings, most_units, network, of, stream, trial


def test_the_characters_of_closing_tags_are_found():
    text = "<ab><c></c></ab><d></d>"
    known = [character for character, here in zip(text[1:], closings(text), strict=False) if here]
    assert "".join(known) == "c>ab>d>"


def test_a_name_keeps_its_first_letters_where_it_opens_and_where_it_closes():
    data = stream("XML", "train", 4, 5000, (("letters", 2),))
    text, opened = data.decode(data.tokens), []
    for tag in text[: text.rindex("<")].replace(">", "").split("<")[1:]:
        if tag.startswith("/"):
            assert opened.pop() == tag[1:]
        else:
            assert len(tag) == 2
            opened.append(tag)


def test_test_strings_are_the_same_with_every_seed_and_are_not_those_of_training():
    def text(part, seed):
        return stream("arithmetic", part, seed, 3000, (("digits", 2),)).tokens

    assert (text("test", 0) == text("test", 1)).all() and (text("valid", 0) == text("valid", 1)).all()
    others = [text("test", 0), text("valid", 0), text("train", 0), text("train", 1)]
    assert all((a != b).any() for k, a in enumerate(others) for b in others[:k])


def test_batches_go_on_where_the_last_one_ended_and_come_back_to_nothing():
    setting = of("arithmetic", "tanh", steps=40, T=7, B=4)
    task = Strings(setting, 0)
    batches = task.batches()
    tokens = np.concatenate([next(batches)[0].argmax(axis=-1) for _ in range(40)])
    text = stream("arithmetic", "train", 0, 7 * 4 * 40 + 4, (("digits", 2), ("noise", 0.3))).tokens
    for b in range(4):
        assert (tokens[:, b] == text[b * 281 : b * 281 + 280]).all()


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_has_as_many_units_as_its_weights_allow(cell):
    setting = of("chorales", cell, weights=9000)
    task = Chorales(setting, 0)
    units = most_units(setting, task)
    counts = [network(setting, H, task, 0).count_parameters() for H in (units, units + 1)]
    assert counts[0] <= 9000 < counts[1]


def test_the_rate_that_is_best_after_a_third_goes_on():
    setting = of("arithmetic", "tanh", weights=2000, rates=[1e-5, 0.02], steps=36)
    found = trial(setting, 0, "cpu")
    assert found["rate"] == 0.02 and found["tried"][1] > found["tried"][0]
    assert len(found["valid"]) == LOOKS and found["valid"][LOOKS // 3 - 1] == found["tried"][1]
    chorales = trial(of("chorales", "tanh", weights=2000, rates=[1e-5, 0.02], steps=12), 0, "cpu")
    assert chorales["rate"] == 0.02 and chorales["tried"][1] < chorales["tried"][0]
    assert chorales["valid"][-1] == min(chorales["valid"])


def test_accuracy_counts_the_characters_that_are_asked_for(monkeypatch):
    task = Strings(of("XML", "tanh"), 0)

    class Knows:
        """Is right at every closing tag, and nowhere else."""

        def forward(self, xs):
            tokens = xs.argmax(axis=-1)
            following = np.vstack([tokens[1:], np.zeros_like(tokens[:1])])
            text = ["".join(task.vocabulary[k] for k in column) for column in tokens.T]
            known = np.array([closings(one) for one in text]).T
            guess = np.where(known, following, (following + 1) % len(task.vocabulary))
            return np.eye(len(task.vocabulary))[guess], None

    found = task.judge(Knows(), "test")
    assert found["closing"] > 0.99  # but for the last step, whose target was not read
    assert found["test"] == pytest.approx(0.36, abs=0.02)
