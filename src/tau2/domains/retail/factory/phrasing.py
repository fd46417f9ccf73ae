"""Words that many stories share: persons, lists, and why an order is cancelled."""

from __future__ import annotations

from collections.abc import Sequence

BRANDS = {
    "visa": "Visa card",
    "mastercard": "Mastercard",
    "amex": "American Express card",
    "discover": "Discover card",
}

FINDING = ("zip", "zip", "email", "email", "both")
"""What customers can say to identify themselves besides their name."""

NOT_NEEDED = (
    "you no longer need it",
    "your plans have changed and you no longer need it",
    "you have no use for it any more, so it is no longer needed",
    "somebody gave you the same things as a present and you no longer need it",
)
MISTAKE = (
    "you ordered it by mistake",
    "you placed it by mistake while you were only trying out the shop",
    "it was ordered by mistake: you tapped the wrong button",
    "you ordered it by mistake and noticed it only now",
)
REASONS = {"no longer needed": NOT_NEEDED, "ordered by mistake": MISTAKE}

PERSONAS = (
    "You are in a hurry and answer in a few words.",
    "You are friendly and a little chatty, but you come back to the point when asked.",
    "You are a careful person who wants every amount named before you agree.",
    "You are calm and precise; you once worked in a call center yourself.",
    "You are tired after a night shift and a bit short, though never rude.",
    "You are cheerful and thank the agent often.",
    "You do not like typing and write in short, plain sentences.",
    "You are skeptical of shops and want to hear clearly what will happen.",
    "You are a retired teacher who writes complete sentences.",
    "You are looking after two children while you type, so you only answer what is asked.",
    "You are polite and patient, and you do not mind being asked for details.",
    "You are direct: you say what you want and expect the same.",
    "You are a little nervous about doing anything wrong online.",
    "You are a busy shop owner and like things settled in one conversation.",
    "You write informally, without capital letters.",
    "You are easygoing and make a small joke now and then.",
    "You are annoyed about the time this takes, but you cooperate.",
    "You are a student on a tight budget and mind every dollar.",
    "You are well organized and have a list of what you want in front of you.",
    "You are not a native speaker and use simple words.",
    "You are talkative about your garden, but you answer every question.",
    "You are quiet and let the agent lead the conversation.",
)

MORE_PERSONAS = (
    *PERSONAS,
    "You are a nurse on a break and have a few minutes.",
    "You are a night owl, wide awake, and in the mood for details.",
    "You are a bookkeeper and want every figure to the cent.",
    "You are a little forgetful and ask for things to be repeated.",
    "You are good-humored and do not take anything badly.",
    "You are worried about your money and want to be told when it arrives.",
    "You are a person of few words, and you like to get things done.",
    "You write long sentences, but everything that matters is in them.",
    "You are on a train with a poor connection, so you keep your messages short.",
    "You are helping your mother with her computer while you write.",
    "You had a bad experience with another shop and are on your guard.",
    "You are an engineer and like things in order, one after the other.",
    "You are new to online shopping and ask what a word means if you do not know it.",
    "You are a musician about to go on stage and cannot wait long.",
    "You are a patient listener and let the agent finish.",
    "You are formal and address the agent politely.",
    "You are young and write the way you talk to friends.",
    "You are a carpenter, plain-spoken and practical.",
)
"""For generated tasks, of which there are many."""

MANNERS = (
    "Give the details about yourself only when you are asked for them.",
    "Answer one question at a time, even if the agent asks several at once.",
    "When everything is done, ask the agent to sum up what was changed.",
    "If the agent's answer is long, say that you only need the essentials.",
    "Listen closely to what the agent is about to do, and ask if something is missing from it.",
    "If the agent asks for something that you do not know, say that you do not have it.",
    "Keep each of your messages to one or two sentences.",
    "Mention at the beginning that you have been a customer for years.",
    "End the conversation as soon as everything is settled.",
    "Ask once whether you are talking to a person; whatever the answer is, go on.",
    "Do not give your reasons unless the agent asks for them.",
    "Let the agent repeat anything that sounds complicated.",
    "Use your own words; do not read these lines out.",
)
"""How a customer of a generated task goes about it; none of them changes what is wanted."""


def joined(words: Sequence[str], last: str = "and") -> str:
    """Return "a", "a and b" or "a, b and c", with `last` for the "and"."""
    if len(words) <= 1:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"


def sentence(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def a(noun: str) -> str:
    """Return the noun with its indefinite article."""
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"
