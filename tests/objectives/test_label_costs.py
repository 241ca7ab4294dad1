"""The head on masked tokens alone gives what transformers' own loss gives, and leaves the model as it was."""

from __future__ import annotations

import pytest
import torch

from tests.objectives.masked_models import PAD, SIZE, tiny
from xlcorpus.objectives.attention import first_position
from xlcorpus.objectives.label_costs import masked_costs
from xlcorpus.objectives.objective import NO_LABEL


def inputs() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(5)
    ids = torch.randint(5, SIZE, (3, 12))
    ids[1, 7:] = PAD
    labels = torch.where((torch.rand(ids.shape) < 0.4) & (ids != PAD), ids, NO_LABEL)
    return ids, labels, (ids != PAD).long()


@pytest.mark.parametrize("architecture", ["bert", "xlm-roberta"])
def test_equal_to_the_model_s_own_loss(architecture: str) -> None:
    model = tiny(architecture)
    ids, labels, mask = inputs()
    whole = model(input_ids=ids, attention_mask=mask, labels=labels)
    whole.loss.backward()
    wanted = [one.grad.clone() for one in model.parameters() if one.grad is not None]
    model.zero_grad()
    costs, output = masked_costs(model, labels, input_ids=ids, attention_mask=mask)
    count = (labels != NO_LABEL).sum()
    assert output.logits.shape == (count, SIZE)
    assert not costs[labels == NO_LABEL].any()
    (costs.sum() / count).backward()
    torch.testing.assert_close(costs.sum() / count, whole.loss)
    found = [one.grad for one in model.parameters() if one.grad is not None]
    torch.testing.assert_close(found, wanted)
    assert model(input_ids=ids).logits.shape == (3, 12, SIZE)


def test_no_label_at_all() -> None:
    ids, labels, mask = inputs()
    costs, _ = masked_costs(tiny("bert"), torch.full_like(labels, NO_LABEL), input_ids=ids, attention_mask=mask)
    assert costs.sum() == 0
    assert costs.requires_grad


@pytest.mark.parametrize(("architecture", "first"), [("bert", 0), ("xlm-roberta", PAD + 1)])
def test_first_position_is_the_model_s_own(architecture: str, first: int) -> None:
    model = tiny(architecture)
    ids, labels, mask = inputs()
    assert first_position(model) == first
    places = torch.where(mask.bool(), torch.arange(12) + first, 0)
    own, _ = masked_costs(model, labels, input_ids=ids, attention_mask=mask)
    given, _ = masked_costs(model, labels, input_ids=ids, attention_mask=mask, position_ids=places)
    torch.testing.assert_close(given, own)
