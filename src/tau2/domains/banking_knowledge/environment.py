"""The bank as an environment: its tools, its records, its policy and its knowledge base."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from tau2.config import domain_dir, is_foreign_data, strict_compat
from tau2.data_model.simulation import EnvironmentInfo
from tau2.data_model.tasks import InitializationData, Task
from tau2.domains.banking_knowledge.bank_rules import public_rules
from tau2.domains.banking_knowledge.data_model import TransactionalDB
from tau2.domains.banking_knowledge.loading import DOMAIN, get_documents
from tau2.domains.banking_knowledge.own_rules import own_rules
from tau2.domains.banking_knowledge.tools.agent import BankTools
from tau2.domains.banking_knowledge.tools.customer import CustomerTools
from tau2.environment.domain import load_own_db
from tau2.environment.environment import Environment, same_db
from tau2.errors import ConfigError
from tau2.knowledge.access import Knowledge
from tau2.knowledge.prompts import policy_of
from tau2.knowledge.tools import with_knowledge
from tau2.knowledge.variants import variant_named

_POLICY_PER_TASK = "(The policy is another one for each task: it holds the documents of the task.)"


class BankEnvironment(Environment):
    """A bank whose agent and customers work on one database."""

    tools: BankTools
    user_tools: CustomerTools

    @property
    def knowledge(self) -> Knowledge | None:
        """How the agent gets at the documents; None for an agent that was given none."""
        return getattr(self.tools, "knowledge", None)

    def prepare(self, task: Task) -> None:
        """Note which look-ups are logged; show the documents of the task where the variant does."""
        super().prepare(task)
        if self.knowledge is not None and self.knowledge.variant.policy_is_per_task:
            self.policy = _policy(self.knowledge, task)

    def get_info(self, include_tool_info: bool = False) -> EnvironmentInfo:
        """Return what a results file records; a policy of one task is none of a run."""
        info = super().get_info(include_tool_info)
        if self.knowledge is not None and self.knowledge.variant.policy_is_per_task:
            info.policy = _POLICY_PER_TASK
        return info

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


def _policy(knowledge: Knowledge, task: Task | None = None) -> str:
    required = task.required_documents if task is not None else None
    return policy_of(knowledge, domain_dir(DOMAIN) / "prompts", required)


def default_variant() -> str:
    """Return the variant of a run that names none.

    Our own needs neither a key nor a network. That of other data is the original's.
    """
    return "alltools" if is_foreign_data() else "bm25_grep"


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
        retrieval_variant: How the agent gets at the documents, by name; see `default_variant`.
        retrieval_kwargs: Options of the variant.
        task: The task that is going to be played, as for `Environment.prepare`.
        solo_mode: Not supported: the customer has tools that only a customer can use.
        read_log_allowlist: Discoverable tools that only read and are logged nevertheless; by
            default those that the task's reference calls.

    Raises:
        UnknownName: (a ValueError) there is no such variant.
        ConfigError: (a ValueError) in solo mode; or the variant does not have such an option, or
            needs a key that is not there.
        MissingExtra: a package that the variant needs is not installed.
    """
    if solo_mode:
        raise ConfigError(f"The {DOMAIN} domain does not support solo mode: only the customer acts")
    strict = strict_compat()
    world_id = None
    if db is None:
        db, world_id = load_own_db(TransactionalDB, DOMAIN, strict=strict)
    rules = public_rules() if is_foreign_data() else own_rules()
    variant = variant_named(
        retrieval_variant or default_variant(), retrieval_kwargs, ignore_unknown=strict
    )
    knowledge = Knowledge(get_documents(), variant, strict_compat=strict, now=rules.now)
    environment = BankEnvironment(
        domain_name=DOMAIN,
        policy=_policy(knowledge),
        tools=with_knowledge(BankTools, knowledge)(db, rules, strict_compat=strict),
        user_tools=CustomerTools(db, rules, strict_compat=strict),
        strict_compat=strict,
        world_id=world_id,
    )
    if read_log_allowlist is not None:
        environment.tools.read_log_allowlist = frozenset(read_log_allowlist)
        environment.world_id = None
    if task is not None:
        environment.prepare(task)
    return environment
