"""Customers who want to cancel."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from tau2.domains.retail.data_model import CancelReason
from tau2.domains.retail.factory.draft import RetailDraft
from tau2.domains.retail.factory.intents.intent import intents
from tau2.domains.retail.factory.words import cost, total
from tau2.taskgen.drafts import UnsuitableCustomer
from tau2.taskgen.phrasing import with_article
from tau2.taskgen.wording import Slots, Wording

_TEXTS = Wording(Path(__file__).with_suffix(".toml"))

INTENTS, intent = intents(__file__, about="cancellation")


def _why(draft: RetailDraft) -> tuple[str, str]:
    """Return one of the two accepted reasons and how the customer puts it."""
    reason = draft.one(get_args(CancelReason))
    return reason, draft.one(_TEXTS.texts("reasons", reason))


@intent()
def cancel_one(draft: RetailDraft) -> Slots:
    """Cancel one pending order."""
    order, which = draft.named_order("pending")
    reason, why = _why(draft)
    draft.cancel(order, reason)
    return {"which": which, "why": why}


@intent()
def cancel_and_ask_refund(draft: RetailDraft) -> Slots:
    """Cancel a pending order and say where and how much money goes back."""
    order = draft.one(
        o for o in draft.with_status("pending", items=2) if len(draft.user.payment_methods) > 1
    )
    which = draft.the_order(order)
    reason, why = _why(draft)
    draft.cancel(order, reason)
    draft.tell(total(order))
    return {"which": which, "why": why}


@intent(wants=2)
def cancel_two(draft: RetailDraft) -> Slots:
    """Cancel two pending orders for two different reasons."""
    first, second = draft.some(draft.with_status("pending"), 2)
    one = draft.the_order(first)
    other = draft.the_order(second)
    draft.cancel(first, "no longer needed")
    draft.cancel(second, "ordered by mistake")
    return {"one": one, "other": other}


@intent(alone=True, wants=2)
def cancel_all_pending(draft: RetailDraft) -> Slots:
    """Cancel every pending order and add up the refunds."""
    pending = draft.with_status("pending")
    if (
        len(pending) < 2
        or len(pending) == len(draft.orders)
        or draft.with_status("pending (item modified)")
    ):
        raise UnsuitableCustomer
    reason, why = draft.one(
        (("no longer needed", "no longer need"), ("ordered by mistake", "ordered by mistake"))
    )
    draft.look_at_all()
    for order in pending:
        draft.cancel(order, reason)
    draft.tell(sum(total(order) for order in pending))
    verb = "them" if reason == "no longer needed" else ""
    text = f"you {why} {verb}".strip() if verb else f"they were all {why}"
    return {"text": text}


@intent(hurdle=True)
def cancel_changes_reason(draft: RetailDraft) -> Slots:
    """An unaccepted reason for cancelling, then an accepted one."""
    order, which = draft.named_order("pending")
    draft.refused("cancel_pending_order", order_id=order.order_id, reason="found it cheaper")
    draft.cancel(order, "no longer needed")
    return {"which": which}


@intent(hurdle=True)
def cancel_item_then_order(draft: RetailDraft) -> Slots:
    """Asks to cancel a single item; the whole order can be cancelled."""
    order = draft.one(draft.with_status("pending", items=3))
    thing, which = draft.within(draft.one(order.items), order)
    draft.cancel(order, "no longer needed")
    draft.tell(total(order))
    return {"thing": thing, "which": which}


@intent(about="change", hurdle=True)
def cancel_item_then_cheapest(draft: RetailDraft) -> Slots:
    """Asks to cancel a single item; takes the cheapest variant instead."""
    order, item = draft.with_item("pending", items=2)
    best = draft.cheapest(item)
    paid = draft.paid_with(order)
    thing, which = draft.within(item, order)
    draft.change_items(order, [(item, best)], paid)
    draft.tell(item.price - best.price)
    return {"thing": thing, "which": which, "item": item, "paid": paid}


@intent(alone=True, hurdle=True)
def cancel_dearer(draft: RetailDraft) -> Slots:
    """Cancel the more expensive of two pending orders."""
    pending = draft.with_status("pending")
    if len(pending) != 2 or draft.with_status("pending (item modified)"):
        raise UnsuitableCustomer
    cheap, dear = sorted(pending, key=total)
    if total(dear) - total(cheap) < 1:
        raise UnsuitableCustomer
    draft.look_at_all()
    draft.cancel(dear, "no longer needed")
    draft.tell(total(dear))
    return {}


@intent(hurdle=True, held_out=True)
def cancel_above_limit(draft: RetailDraft) -> Slots:
    """Cancel only above a limit, otherwise keep the order."""
    order, which = draft.named_order("pending", items=2)
    sum_ = total(order)
    cancels = draft.turn % 2 == 0
    limit = int(sum_ // 10 * 10) - 20 if cancels else int(sum_ // 10 * 10) + 40
    if limit <= 0:
        raise UnsuitableCustomer
    draft.tell(sum_)
    if cancels:
        draft.cancel(order, "ordered by mistake")
    else:
        with draft.tempted("consent"):
            draft.cancel(order, "ordered by mistake")
    return {"which": which, "limit": limit}


@intent(hurdle=True)
def cancel_refund_elsewhere(draft: RetailDraft) -> Slots:
    """Wants the refund of a cancellation on another method; accepts the original one."""
    order = draft.one(o for o in draft.with_status("pending") if draft.others(draft.paid_with(o)))
    paid = draft.paid_with(order)
    wish = draft.one(draft.others(paid))
    which = draft.the_order(order)
    draft.cancel(order, "no longer needed")
    return {"which": which, "wish": wish, "paid": paid}


@intent(alone=True, hurdle=True, held_out=True)
def cancel_containing(draft: RetailDraft) -> Slots:
    """Cancel the pending orders that contain a kind of product."""
    pending = draft.with_status("pending")
    if draft.with_status("pending (item modified)"):
        raise UnsuitableCustomer
    kinds: dict[str, int] = {}
    for order in pending:
        for name in dict.fromkeys(item.name for item in order.items):
            kinds[name] = kinds.get(name, 0) + 1
    name = draft.one(
        kind for kind, count in kinds.items() if count == len(pending) - 1 and count >= 1
    )
    hit = [order for order in pending if any(item.name == name for item in order.items)]
    draft.look_at_all()
    for order in hit:
        draft.cancel(order, "no longer needed")
    draft.tell(sum(total(order) for order in hit))
    return {"kind": with_article(name.lower())}


@intent(hurdle=True)
def cancel_after_comparison(draft: RetailDraft) -> Slots:
    """Cancel one order and keep another after hearing both totals."""
    first, second = draft.some(draft.with_status("pending"), 2)
    if total(first) == total(second):
        raise UnsuitableCustomer
    names = [draft.the_order(first), draft.the_order(second)]
    keep, drop = (first, second) if total(first) > total(second) else (second, first)
    draft.tell(cost(keep.items))
    draft.cancel(drop, "ordered by mistake")
    return {"names": names}
