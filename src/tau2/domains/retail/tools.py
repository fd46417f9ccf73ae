"""What the retail agent can do: everything that changes an order or a profile.

Every check comes before the first change, so a refused call leaves the shop as it was.
"""

from __future__ import annotations

from typing import get_args

from tau2.domains.retail.data_model import (
    CancelReason,
    GiftCard,
    Order,
    OrderItem,
    OrderPayment,
    PaymentMethod,
    User,
    UserAddress,
    Variant,
)
from tau2.domains.retail.lookups import RetailLookups
from tau2.environment.toolkit import ToolType, is_tool
from tau2.errors import ToolError

CENTS = 2  # decimals


class RetailTools(RetailLookups):
    """The tools of the retail agent: look-ups and changes."""

    @is_tool(ToolType.WRITE)
    def cancel_pending_order(self, order_id: str, reason: CancelReason) -> Order:
        """Cancel a whole pending order and refund what was paid for it.

        The order must have the status "pending" exactly. Each payment goes back to the method it
        came from; a gift card has it at once. Explain this to the customer and get an explicit yes
        first.

        Args:
            order_id: The order number with its leading "#W".
            reason: Why: "no longer needed" or "ordered by mistake"; nothing else is accepted.

        Returns:
            The cancelled order.
        """
        order = self._order(order_id)
        if order.status != "pending":
            raise ToolError("Non-pending order cannot be cancelled")
        if reason not in get_args(CancelReason):
            raise ToolError("Invalid reason")
        refunds = self._refunds(order)
        methods = [
            self._payment_method(order.user_id, refund.payment_method_id) for refund in refunds
        ]
        for method, refund in zip(methods, refunds, strict=True):
            _charge(method, -refund.amount)
        order.status = "cancelled"
        order.cancel_reason = reason
        order.payment_history.extend(refunds)
        return order

    def _refunds(self, order: Order) -> list[OrderPayment]:
        """Return what goes back to each method: the net of what it paid.

        The original refunds every entry of the history, earlier refunds included; `strict_compat`
        keeps that.
        """
        if self.strict_compat:
            paid = [(entry.payment_method_id, entry.amount) for entry in order.payment_history]
        else:
            net: dict[str, float] = {}
            for entry in order.payment_history:
                signed = entry.amount if entry.transaction_type == "payment" else -entry.amount
                net[entry.payment_method_id] = round(
                    net.get(entry.payment_method_id, 0.0) + signed, CENTS
                )
            paid = [(method, amount) for method, amount in net.items() if amount > 0]
        return [
            OrderPayment(transaction_type="refund", amount=amount, payment_method_id=method)
            for method, amount in paid
        ]

    @is_tool(ToolType.WRITE)
    def modify_pending_order_address(
        self,
        order_id: str,
        address1: str,
        address2: str,
        city: str,
        state: str,
        country: str,
        zip: str,  # noqa: A002  -- public name
    ) -> Order:
        """Change where a pending order is shipped to.

        Any order whose status begins with "pending" qualifies. Read the new address back to the
        customer and get an explicit yes first.

        Args:
            order_id: The order number with its leading "#W".
            address1: House number and street in one line, as the customer gives them.
            address2: Apartment, suite or unit as the customer gives it; empty text if there is
                none.
            city: City.
            state: The two capital letters that stand for the state.
            country: "USA".
            zip: Five digits.

        Returns:
            The changed order.
        """
        order = self._order(order_id)
        _require_pending(order)
        order.address = UserAddress(
            address1=address1, address2=address2, city=city, state=state, country=country, zip=zip
        )
        return order

    @is_tool(ToolType.WRITE, unordered=("item_ids", "new_item_ids"))
    def modify_pending_order_items(
        self,
        order_id: str,
        item_ids: list[str],
        new_item_ids: list[str],
        payment_method_id: str,
    ) -> Order:
        """Swap items of a pending order for other variants of the same products, once per order.

        The status must be "pending" exactly and becomes "pending (item modified)": afterwards
        neither the items nor the payment can be changed, and the order cannot be cancelled. So
        collect every swap first, read all of them back with the price difference, and get an
        explicit yes.

        Args:
            order_id: The order number with its leading "#W".
            item_ids: Ids of the items to swap; an id stands as often as that item is swapped.
            new_item_ids: Ids of the new variants, in the same order; each available and of the same
                product.
            payment_method_id: What pays or receives the price difference, from the customer's
                profile.

        Returns:
            The changed order.
        """
        order = self._order(order_id)
        if order.status != "pending":
            raise ToolError("Non-pending order cannot be modified")
        swaps = self._swaps(
            order, item_ids, new_item_ids, missing="{} not found", new_must_differ=True
        )
        difference = _price_difference(swaps)
        if not self.strict_compat:
            difference = round(difference, CENTS)
        method = self._payment_method(order.user_id, payment_method_id)
        _require_funds(method, difference, "the new item")
        _charge(method, difference)
        order.payment_history.append(
            OrderPayment(
                transaction_type="payment" if difference > 0 else "refund",
                amount=abs(difference),
                payment_method_id=payment_method_id,
            )
        )
        if self.strict_compat:
            _swap_like_the_original(order, item_ids, [variant for _, variant in swaps])
        else:
            for item, variant in swaps:
                item.item_id = variant.item_id
                item.price = variant.price
                item.options = dict(variant.options)
        order.status = "pending (item modified)"
        return order

    @is_tool(ToolType.WRITE)
    def modify_pending_order_payment(self, order_id: str, payment_method_id: str) -> Order:
        """Pay a pending order with another method; what the old method paid goes back to it.

        There must be exactly one payment so far, so this is possible once, and only before items
        are changed. A gift card must cover the whole amount. Explain the change and get an explicit
        yes first.

        Args:
            order_id: The order number with its leading "#W".
            payment_method_id: The new method, from the customer's profile; not the one used so far.

        Returns:
            The changed order.
        """
        order = self._order(order_id)
        _require_pending(order)
        if (
            len(order.payment_history) != 1
            or order.payment_history[0].transaction_type != "payment"
        ):
            raise ToolError("There should be exactly one payment for a pending order")
        paid = order.payment_history[0]
        if paid.payment_method_id == payment_method_id:
            raise ToolError("The new payment method should be different from the current one")
        new = self._payment_method(order.user_id, payment_method_id)
        old = self._payment_method(order.user_id, paid.payment_method_id)
        _require_funds(new, paid.amount, "the order")
        order.payment_history += [
            OrderPayment(
                transaction_type="payment", amount=paid.amount, payment_method_id=payment_method_id
            ),
            OrderPayment(
                transaction_type="refund",
                amount=paid.amount,
                payment_method_id=paid.payment_method_id,
            ),
        ]
        _charge(new, paid.amount)
        _charge(old, -paid.amount)
        return order

    @is_tool(ToolType.WRITE)
    def modify_user_address(
        self,
        user_id: str,
        address1: str,
        address2: str,
        city: str,
        state: str,
        country: str,
        zip: str,  # noqa: A002  -- public name
    ) -> User:
        """Change the default address in a customer's profile; orders already placed keep theirs.

        Read the new address back to the customer and get an explicit yes first.

        Args:
            user_id: The customer's id.
            address1: House number and street in one line, as the customer gives them.
            address2: Apartment, suite or unit as the customer gives it; empty text if there is
                none.
            city: City.
            state: The two capital letters that stand for the state.
            country: "USA".
            zip: Five digits.

        Returns:
            The changed profile.
        """
        user = self._user(user_id)
        user.address = UserAddress(
            address1=address1, address2=address2, city=city, state=state, country=country, zip=zip
        )
        return user

    @is_tool(ToolType.WRITE, unordered=("item_ids",))
    def return_delivered_order_items(
        self, order_id: str, item_ids: list[str], payment_method_id: str
    ) -> Order:
        """Ask for the return of items of a delivered order; possible once per order.

        The status must be "delivered" and becomes "return requested"; the order can then be neither
        exchanged nor returned again. The customer gets an email on how to send the items back.
        Collect all items, explain, and get an explicit yes first.

        Args:
            order_id: The order number with its leading "#W".
            item_ids: Ids of the items; an id stands as often as that item goes back.
            payment_method_id: What receives the refund: the method that paid the order, or a gift
                card of the customer's profile.

        Returns:
            The order with the return noted.
        """
        order = self._order(order_id)
        if order.status != "delivered":
            raise ToolError("Non-delivered order cannot be returned")
        method = self._payment_method(order.user_id, payment_method_id)
        if (
            not isinstance(method, GiftCard)
            and payment_method_id != order.payment_history[0].payment_method_id
        ):
            raise ToolError("Payment method should be the original payment method")
        self._require_items(order, item_ids, missing="Some item not found")
        order.status = "return requested"
        order.return_items = sorted(item_ids)
        order.return_payment_method_id = payment_method_id
        return order

    @is_tool(ToolType.WRITE, unordered=("item_ids", "new_item_ids"))
    def exchange_delivered_order_items(
        self,
        order_id: str,
        item_ids: list[str],
        new_item_ids: list[str],
        payment_method_id: str,
    ) -> Order:
        """Ask for the exchange of items of a delivered order for other variants, once per order.

        The status must be "delivered" and becomes "exchange requested"; the order can then be
        neither returned nor exchanged again. The customer gets an email on how to send the items
        back. Collect all items, explain the price difference, and get an explicit yes first.

        Args:
            order_id: The order number with its leading "#W".
            item_ids: Ids of the items to exchange; an id stands as often as that item is exchanged.
            new_item_ids: Ids of the new variants, in the same order; each available and of the same
                product.
            payment_method_id: What pays or receives the price difference, from the customer's
                profile.

        Returns:
            The order with the exchange noted.
        """
        order = self._order(order_id)
        if order.status != "delivered":
            raise ToolError("Non-delivered order cannot be exchanged")
        swaps = self._swaps(
            order, item_ids, new_item_ids, missing="Number of {} not found.", new_must_differ=False
        )
        difference = round(_price_difference(swaps), CENTS)
        method = self._payment_method(order.user_id, payment_method_id)
        _require_funds(method, difference, "the price difference")
        order.status = "exchange requested"
        order.exchange_items = sorted(item_ids)
        order.exchange_new_items = sorted(new_item_ids)
        order.exchange_payment_method_id = payment_method_id
        order.exchange_price_difference = difference
        return order

    def _require_items(self, order: Order, item_ids: list[str], *, missing: str) -> None:
        """Raise ToolError when no item is named, or one more often than the order has it."""
        if not item_ids and not self.strict_compat:
            raise ToolError("Name at least one item")
        held = [item.item_id for item in order.items]
        for item_id in item_ids:
            if item_ids.count(item_id) > held.count(item_id):
                raise ToolError(missing.format(item_id))

    def _swaps(
        self,
        order: Order,
        item_ids: list[str],
        new_item_ids: list[str],
        *,
        missing: str,
        new_must_differ: bool,
    ) -> list[tuple[OrderItem, Variant]]:
        """Return each item with the variant that takes its place.

        Raise ToolError when one cannot.
        """
        self._require_items(order, item_ids, missing=missing)
        if len(item_ids) != len(new_item_ids):
            raise ToolError("The number of items to be exchanged should match.")
        left = list(order.items)
        swaps = []
        for item_id, new_item_id in zip(item_ids, new_item_ids, strict=True):
            if new_must_differ and item_id == new_item_id:
                raise ToolError("The new item id should be different from the old item id")
            item = next(item for item in left if item.item_id == item_id)
            if not self.strict_compat:
                left = [other for other in left if other is not item]
            swaps.append((item, self._available_variant(item.product_id, new_item_id)))
        return swaps


def _price_difference(swaps: list[tuple[OrderItem, Variant]]) -> float:
    """Return what the new variants cost more.

    The sum is made pair by pair, as recorded hashes contain its rounding errors.
    """
    difference: float = 0
    for item, variant in swaps:
        difference += variant.price - item.price
    return difference


def _swap_like_the_original(order: Order, item_ids: list[str], variants: list[Variant]) -> None:
    """Give swapped items the price and options of the *last* variant, as published states have."""
    for item_id, variant in zip(item_ids, variants, strict=True):
        item = next(item for item in order.items if item.item_id == item_id)
        item.item_id = variant.item_id
        item.price = variants[-1].price
        item.options = dict(variants[-1].options)


def _require_pending(order: Order) -> None:
    if "pending" not in order.status:
        raise ToolError("Non-pending order cannot be modified")


def _require_funds(method: PaymentMethod, amount: float, purpose: str) -> None:
    if isinstance(method, GiftCard) and method.balance < amount:
        raise ToolError(f"Insufficient gift card balance to pay for {purpose}")


def _charge(method: PaymentMethod, amount: float) -> None:
    """Take money from a gift card, or add a negative amount; other methods have no balance."""
    if isinstance(method, GiftCard):
        method.balance = round(method.balance - amount, CENTS)
