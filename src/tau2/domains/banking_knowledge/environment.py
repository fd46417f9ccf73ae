"""The bank as an environment: its tools, its records, its policy and its knowledge base."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tau2.config import domain_dir, strict_compat
from tau2.data_model.tasks import InitializationData, Task
from tau2.domains.banking_knowledge.bank_rules import public_rules
from tau2.domains.banking_knowledge.data_model import TransactionalDB
from tau2.domains.banking_knowledge.loading import DOMAIN
from tau2.domains.banking_knowledge.own_rules import own_rules
from tau2.domains.banking_knowledge.tools.agent import BankTools
from tau2.domains.banking_knowledge.tools.customer import CustomerTools
from tau2.environment.domain import load_own_db, load_text
from tau2.environment.environment import Environment, same_db
from tau2.errors import ConfigError, UnknownName

VARIANTS = {"no_knowledge": "no documents at all"}
"""How an agent gets at the documents: name → what it is given."""


class BankEnvironment(Environment):
    """A bank whose agent and customers work on one database."""

    tools: BankTools
    user_tools: CustomerTools

    def same_state(self, other: Environment) -> bool:
        """Return whether both hold the same records."""
        if not isinstance(other, BankEnvironment):
            return super().same_state(other)
        return same_db(self.tools.db, other.tools.db)

    def _merge(self, data: InitializationData | None) -> None:
        if data is None:
            return
        for patch in (data.agent_data, data.user_data):
            if patch is not None:
                self.tools.update_db(patch)
                self.user_tools.db = self.tools.db


def get_environment(
    db: TransactionalDB | None = None,
    retrieval_variant: str | None = None,
    retrieval_kwargs: Mapping[str, object] | None = None,
    task: Task | None = None,
    solo_mode: bool = False,
    read_log_allowlist: Collection[str] | None = None,
) -> BankEnvironment:
    """Return a fresh environment over the given database, or over the bank's own data.

    Args:
        db: The records; the bank's own by default.
        retrieval_variant: How the agent gets at the documents, by name.
        retrieval_kwargs: Options of the variant.
        task: The task that is going to be played, as for `Environment.prepare`.
        solo_mode: Not supported: the customer has tools that only a customer can use.
        read_log_allowlist: Discoverable tools that only read and are logged nevertheless; by
            default those that the task's reference calls.

    Raises:
        ConfigError: (a ValueError) in solo mode.
        UnknownName: (a ValueError) there is no such variant.
    """
    if solo_mode:
        raise ConfigError(f"The {DOMAIN} domain does not support solo mode")
    if retrieval_variant not in {None, *VARIANTS}:
        raise UnknownName("retrieval variant", retrieval_variant or "", VARIANTS)
    if retrieval_kwargs:
        raise ConfigError(f"the retrieval variant {retrieval_variant} has no options")
    strict = strict_compat()
    world_id = None
    if db is None:
        db, world_id = load_own_db(TransactionalDB, DOMAIN, strict=strict)
    rules = public_rules() if strict else own_rules()
    environment = BankEnvironment(
        domain_name=DOMAIN,
        policy=load_text(domain_dir(DOMAIN) / "prompts" / "no_knowledge.md"),
        tools=BankTools(db, rules, strict_compat=strict),
        user_tools=CustomerTools(db, rules, strict_compat=strict),
        strict_compat=strict,
        world_id=world_id,
    )
    if read_log_allowlist is not None:
        environment.tools.read_log_allowlist = frozenset(read_log_allowlist)
    if task is not None:
        environment.prepare(task)
    return environment
