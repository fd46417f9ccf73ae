"""Splits `llm_args` into options of a call, settings of the client, and fields of the request.

Every name has a meaning here. A name that has none is a ConfigError, because a server would ignore
it or refuse the request for it, and a setting that is meant for a client may hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tau2.config import DEFAULT_MODEL_TIMEOUT, DEFAULT_RETRY_ATTEMPTS
from tau2.errors import ConfigError, nearest_name
from tau2.utils.json_types import JsonMapping, JsonObject, JsonValue
from tau2.utils.text import repr_of


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CALL_OPTIONS = _names(
    "num_retries max_retries timeout request_timeout keep_reasoning stream stream_options "
    "text_tool_calls"
)
"""How tau2 makes a call."""

ENDPOINT_SETTINGS = _names(
    """
    api_key api_base base_url api_version organization project azure_ad_token
    headers extra_headers default_headers extra_query default_query ssl_verify
    """
)
"""Where, and as whom: applied by `transport.endpoint`."""

PACE_SETTINGS = _names("rpm tpm")
"""Requests and tokens per minute: applied by `middleware.pace`."""

LOCAL_SETTINGS = _names("adapter constrained n_ctx n_parallel n_threads")
"""How a model in this process is loaded and asked: applied by `llm.local`."""

_OURS = LOCAL_SETTINGS | _names(
    "input_cost_per_token output_cost_per_token script script_end script_offset"
)
_OF_LITELLM = _names(
    """
    drop_params additional_drop_params allowed_openai_params custom_llm_provider caching cache
    mock_response
    """
)
"""Accepted without effect where no litellm is used: what they ask for is done, or not wanted."""

NOT_IN_BODY = ENDPOINT_SETTINGS | PACE_SETTINGS | _OURS | _OF_LITELLM | {"extra_body"}
"""Arguments for tau2 or for litellm; an OpenAI-compatible server would refuse them."""

BODY_FIELDS = (
    # OpenAI
    _names(
        """
        temperature top_p n stop max_tokens max_completion_tokens presence_penalty
        frequency_penalty logit_bias logprobs top_logprobs user seed response_format
        parallel_tool_calls reasoning_effort reasoning verbosity service_tier store metadata
        modalities audio prediction web_search_options prompt_cache_key prompt_cache_retention
        safety_identifier functions function_call tool_choice text include truncation background
        previous_response_id
        """
    )
    # vLLM, SGLang, TGI, llama.cpp, LM Studio, Ollama
    | _names(
        """
        top_k min_p top_a typical_p tfs_z repetition_penalty repeat_penalty repeat_last_n
        length_penalty no_repeat_ngram_size min_tokens min_new_tokens max_new_tokens best_of
        use_beam_search early_stopping ignore_eos stop_token_ids skip_special_tokens
        spaces_between_special_tokens include_stop_str_in_output bad_words allowed_token_ids
        truncate_prompt_tokens prompt_logprobs add_generation_prompt continue_final_message
        add_special_tokens documents chat_template chat_template_kwargs mm_processor_kwargs
        guided_json guided_regex guided_choice guided_grammar guided_decoding_backend
        guided_whitespace_pattern structured_outputs structural_tag regex ebnf json_schema grammar
        priority request_id cache_salt return_token_ids return_tokens_as_token_ids echo
        include_reasoning separate_reasoning stream_reasoning thinking_token_budget
        logits_processors lora_path session_params no_stop_trim return_hidden_states
        mirostat mirostat_mode mirostat_tau mirostat_eta dynatemp_range dynatemp_exponent
        dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers
        xtc_probability xtc_threshold top_n_sigma samplers n_probs n_predict n_keep num_predict
        num_ctx cache_prompt id_slot slot_id t_max_predict_ms reasoning_format
        parse_tool_calls thinking_forced_open keep_alive options format think ttl draft_model
        kv_transfer_params vllm_xargs
        """
    )
    # providers and routers: Anthropic, Gemini, OpenRouter, DeepSeek, Qwen, Mistral, xAI, Z.ai ...
    | _names(
        """
        thinking thinking_config thinking_budget enable_thinking reasoning_split reasoning_budget
        reasoning_history clear_thinking do_sample tool_stream safe_prompt prompt_mode random_seed
        provider models route transforms plugins usage preset enable_search search_options
        search_parameters search_mode search_domain_filter search_recency_filter
        search_after_date_filter search_before_date_filter return_images
        return_related_questions incremental_output result_format disable_search citation_options
        compound_custom exclude_instance_types safety_settings safety_model
        context_length_exceeded_behavior
        prompt_truncate_len perf_metrics_in_response raw_output speculation cache_control
        safeSettings betas anthropic_beta anthropic_version guardrails guardrail_config
        performanceConfig output_config effort request_timeout_ms deferred
        """
    )
)
"""Fields of a request that some OpenAI-compatible server documents; they are sent as given."""

_KNOWN = BODY_FIELDS | NOT_IN_BODY | CALL_OPTIONS

_OF_OTHER_CLIENTS = _names(
    """
    azure_ad_token_provider azure_endpoint azure_deployment api_type deployment_id engine
    fallbacks context_window_fallback_dict content_policy_fallbacks model_list router
    stream_timeout max_parallel_requests cooldown_time retry_policy retry_strategy
    num_retries_per_request http_client client proxy proxies verify_ssl verify cert
    aws_access_key_id aws_secret_access_key aws_session_token aws_region_name aws_profile_name
    aws_role_name aws_session_name aws_bedrock_runtime_endpoint vertex_project vertex_location
    vertex_credentials watsonx_project_id region_name tenant_id client_id client_secret
    logger_fn verbose hf_model_name base_model model_info litellm_params litellm_call_id
    litellm_logging_obj litellm_metadata preset_cache_key no-log ttl_cache
    input_cost_per_second output_cost_per_second
    """
)
"""Settings of other clients. They are never fields of a request."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """What `llm_args` say about how a call is made."""

    num_retries: int = DEFAULT_RETRY_ATTEMPTS
    timeout: float | None = None
    """Seconds for one attempt; None for the default."""
    keep_reasoning: bool = False
    text_tool_calls: bool = False
    """Whether calls of the offered tools that stand in the text of an answer are made."""


def split_args(llm_args: JsonMapping) -> tuple[CallOptions, JsonObject]:
    """Return the options of a call, and the arguments for the backend.

    Raises:
        ConfigError: a number of retries or a time-out that is none.
    """
    retries = _first(llm_args, "num_retries", "max_retries")
    timeout = _first(llm_args, "timeout", "request_timeout")
    options = CallOptions(
        DEFAULT_RETRY_ATTEMPTS if retries is None else _count("num_retries", retries),
        None if timeout is None else _number("timeout", timeout),
        bool(llm_args.get("keep_reasoning")),
        bool(llm_args.get("text_tool_calls")),
    )
    return options, {name: value for name, value in llm_args.items() if name not in CALL_OPTIONS}


def _first(args: JsonMapping, *names: str) -> JsonValue:
    return next((args[name] for name in names if args.get(name) is not None), None)


def _number(name: str, value: JsonValue) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = -1.0
    if not number >= 0:  # NaN too
        raise ConfigError(f"{name} must be a number that is not negative, not {repr_of(value)}")
    return number


def _count(name: str, value: JsonValue) -> int:
    number = _number(name, value)
    if number == float("inf"):
        raise ConfigError(f"{name} must be a finite number")
    return int(number)


def attempt_timeout(options: CallOptions, own_args: bool) -> float:
    """Return the seconds of one attempt; a caller's own function has no default limit."""
    if options.timeout is not None:
        return options.timeout
    return float("inf") if own_args else DEFAULT_MODEL_TIMEOUT


def body_fields(args: JsonMapping) -> JsonObject:
    """Return the arguments that are fields of the request; `extra_body` wins over the others.

    Raises:
        ConfigError: an argument has no known meaning, or `extra_body` is no mapping.
    """
    check_names(args)
    extra = args.get("extra_body") or {}
    if not isinstance(extra, Mapping):
        raise ConfigError(
            f"extra_body must be a mapping of names to values, not {type(extra).__name__}"
        )
    given = {
        name: value for name, value in args.items() if name in BODY_FIELDS and value is not None
    }
    return {**given, **extra}


def check_names(args: JsonMapping) -> None:
    """Raise ConfigError for the first argument without a meaning; it names the nearest one."""
    unknown = next((name for name in args if name not in _KNOWN), None)
    if unknown is None:
        return
    if unknown in _OF_OTHER_CLIENTS:
        raise ConfigError(
            f"the model argument {unknown!r} is a setting of another client, which has no effect "
            f"here{_nearest(unknown, ENDPOINT_SETTINGS | PACE_SETTINGS | CALL_OPTIONS)}; for a "
            "model that is reached through litellm, write litellm/<name>"
        )
    raise ConfigError(
        f"{unknown!r} is not a known model argument{_nearest(unknown, _KNOWN)}; "
        "put a field that only your server knows into extra_body"
    )


def _nearest(name: str, known: frozenset[str]) -> str:
    near = nearest_name(name, known, cutoff=0.6)
    return f"; did you mean {near!r}?" if near is not None else ""
