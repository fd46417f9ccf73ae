"""What the retail agent can look up. Nothing here changes the state of the shop."""

from __future__ import annotations

import json

from tau2.domains.retail.data_model import Order, PaymentMethod, Product, RetailDB, User, Variant
from tau2.environment import arithmetic
from tau2.environment.cow import peek, peek_values
from tau2.environment.toolkit import ToolKitBase, ToolType, is_tool
from tau2.errors import ToolError


class RetailLookups(ToolKitBase):
    """Look-ups over the shop's database.

    Whatever a tool returns belongs to this world alone (`db.orders[...]` copies a shared record
    when it is first touched); what it only inspects is peeked at, because copying hundreds of
    records to find one is slow.
    """

    db: RetailDB

    def __init__(self, db: RetailDB, strict_compat: bool = False) -> None:
        """Work over `db`; `strict_compat` reproduces the original where scores depend on it."""
        super().__init__(db)
        self.strict_compat = strict_compat

    def _order(self, order_id: str) -> Order:
        if order_id not in self.db.orders:
            raise ToolError("Order not found")
        return self.db.orders[order_id]

    def _user(self, user_id: str) -> User:
        if user_id not in self.db.users:
            raise ToolError("User not found")
        return self.db.users[user_id]

    def _payment_method(self, user_id: str, payment_method_id: str) -> PaymentMethod:
        methods = self._user(user_id).payment_methods
        if payment_method_id not in methods:
            raise ToolError("Payment method not found")
        return methods[payment_method_id]

    def _available_variant(self, product_id: str, item_id: str) -> Variant:
        """Return a variant that can be bought now; shared, not to be mutated."""
        product = peek(self.db.products, product_id)
        if product is None:
            raise ToolError("Product not found")
        variant = product.variants.get(item_id)
        if variant is None:
            raise ToolError("Variant not found")
        if not variant.available:
            raise ToolError(f"New item {item_id} not found or available")
        return variant

    @is_tool(ToolType.READ)
    def find_user_id_by_email(self, email: str) -> str:
        """Find a customer's user id by the email address of the account.

        Args:
            email: The address on file; upper and lower case are the same.

        Returns:
            The user id.
        """
        wanted = email.lower()
        for user in peek_values(self.db.users):
            if user.email.lower() == wanted:
                return user.user_id
        raise ToolError("User not found")

    @is_tool(ToolType.READ)
    def find_user_id_by_name_zip(
        self,
        first_name: str,
        last_name: str,
        zip: str,  # noqa: A002  -- public name
    ) -> str:
        """Find a customer's user id by name and zip code.

        This is for customers who do not know their email address.

        Args:
            first_name: Given name, in any case.
            last_name: Family name, in any case.
            zip: Zip code of the address in the customer's profile, five digits.

        Returns:
            The user id.
        """
        first = first_name.lower()
        last = last_name.lower()
        for user in peek_values(self.db.users):
            name = user.name
            if (
                user.address.zip == zip
                and name.last_name.lower() == last
                and name.first_name.lower() == first
            ):
                return user.user_id
        raise ToolError("User not found")

    @is_tool(ToolType.READ)
    def get_user_details(self, user_id: str) -> User:
        """Look up a customer's profile: name, address, email, payment methods and order numbers.

        Args:
            user_id: The customer's id, as a find tool returned it.

        Returns:
            The profile.
        """
        return self._user(user_id)

    @is_tool(ToolType.READ)
    def get_order_details(self, order_id: str) -> Order:
        """Look up an order: status, items, address, shipments and payments.

        Args:
            order_id: The order number with its leading "#W".

        Returns:
            The order.
        """
        return self._order(order_id)

    @is_tool(ToolType.READ)
    def get_product_details(self, product_id: str) -> Product:
        """Look up a product type and all its variants with options, price and availability.

        Args:
            product_id: The id of the product type; this is not the id of an item.

        Returns:
            The product with its variants by item id.
        """
        if product_id not in self.db.products:
            raise ToolError("Product not found")
        return self.db.products[product_id]

    @is_tool(ToolType.READ)
    def get_item_details(self, item_id: str) -> Variant:
        """Look up one variant of a product: options, price and availability.

        Args:
            item_id: The id of the item; this is not the id of its product type.

        Returns:
            The variant.
        """
        for product in peek_values(self.db.products):
            if item_id in product.variants:
                return self.db.products[product.product_id].variants[item_id]
        raise ToolError("Item not found")

    @is_tool(ToolType.READ)
    def list_all_product_types(self) -> str:
        """List every product type of the shop with its product id, sorted by name.

        Returns:
            A JSON object: name → product id.
        """
        ids = {product.name: product.product_id for product in peek_values(self.db.products)}
        return json.dumps(ids, sort_keys=True)

    @is_tool(ToolType.GENERIC)
    def calculate(self, expression: str) -> str:
        """Work out an arithmetic expression, for totals, refunds and price differences.

        Args:
            expression: Numbers, the operators + - * / and parentheses.

        Returns:
            The value, rounded to two decimals.
        """
        return arithmetic.calculate(expression)

    @is_tool(ToolType.GENERIC)
    def transfer_to_human_agents(self, summary: str) -> str:
        """Hand the customer over to a human agent, with a summary of the matter.

        Only where the policy says so: the request is beyond what these tools can do.

        Args:
            summary: What the customer wants and what was done so far.

        Returns:
            A confirmation.
        """
        return "Transfer successful"
