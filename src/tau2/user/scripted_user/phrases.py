"""The surface forms of what a customer does: at least twelve for each act.

`name_terse` holds the forms of a customer who is sparing with words. Sentences about the task are
not among them; they come from the scenario.
"""

from __future__ import annotations

from collections.abc import Mapping


def _forms(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


PHRASES: Mapping[str, tuple[str, ...]] = {
    "hello": _forms(
        """
        Hi!
        Hello!
        Hi there.
        Hello there.
        Hey.
        Hey there!
        Good day.
        Good morning!
        Good afternoon.
        Hello, I have a question for you.
        Hi, thanks for picking this up.
        Hello, I hope this is the right place.
        Hi, can you look into something for me?
        Hello, I could use some assistance.
        Hi, it's me again with a request.
        Hello, I'm glad somebody is there.
        Hey, quick one for you.
        Hi, I hope you are well.
        Hello, this should not take long.
        Hi, I'd appreciate a hand with something.
        Good day to you.
        Hello, are you the right person to ask?
        Hi, straight to it.
        Let me come straight to the point.
        Hey, I need a favor.
        Hi, I'm a customer of yours.
        Hello, first time I write here.
        Hi, I'm contacting you about something of mine.
        Right, so this is my situation.
        Hi, I wonder whether you can sort this out.
        Good evening.
        Hi, somebody told me to write here.
        Hello, do you have a minute?
        Hello hello.
        Hey, glad I got through.
        Hi, sorry to bother you.
        Hello to you.
        Hi, hope this is quick.
        Well, hello.
        Hi, it's about something I have with you.
        Morning!
        Afternoon.
        """
    ),
    "agree": _forms(
        """
        Yes, please go ahead.
        Yes, that is right, please go ahead.
        Yes, please do that.
        Sure, go ahead.
        Yes, go ahead with that.
        That's correct, please proceed.
        Yes, please proceed.
        Yes, that sounds good. Go ahead.
        Yes, I confirm.
        Yes, that works for me, please proceed.
        Sounds good. Yes, please go ahead.
        Yes, all of that is fine.
        Yeah, that's fine. Please go ahead.
        Okay, yes, do it please.
        Yes, you may proceed.
        """
    ),
    "agree_terse": _forms(
        """
        Yes.
        Yes, go ahead.
        Yes, do it.
        Go ahead.
        Sure.
        Yep.
        Yes please.
        Confirmed.
        Yes, proceed.
        Correct, go ahead.
        Yeah, go ahead.
        Yes, that's right.
        """
    ),
    "disagree": _forms(
        """
        No,
        No, sorry,
        Wait,
        Hold on,
        Not quite:
        I'm afraid not,
        Please don't:
        No, please don't do that:
        Hmm, no,
        Stop,
        That isn't what I asked for:
        Sorry, but
        """
    ),
    "spelling": _forms(
        """
        That is spelled
        It is spelled
        You spell it
        One spells it
        The spelling is
        Spelled out, it is
        Letter by letter, it is
        Sign by sign, it is
        One by one, it is
        I spell it
        In single signs, it is
        Said slowly, it is
        """
    ),
    "agree_transfer": _forms(
        """
        Yes, please transfer me.
        Yes, please put me through.
        Then please transfer me, yes.
        Yes, I'd like to talk to somebody about it.
        All right, please hand me over.
        Yes, please connect me with a person.
        Yes, a person would be good. Please transfer me.
        Okay, please transfer me then.
        Sure, put me through.
        Yes, transfer me, thank you.
        Please do, I'd like to speak to someone.
        Yes, go ahead and transfer me.
        """
    ),
    "no_transfer": _forms(
        """
        No, I don't want to be transferred. Please help me here.
        No transfer, please. I'd like to settle it with you.
        No, please don't pass me on.
        I'd rather not be transferred.
        No, thank you, no transfer. Please see what you can do.
        No, I want to sort this out with you.
        Please don't transfer me.
        No, I'm not going to start over with somebody else.
        No. Let's solve this here.
        I don't want to be handed over, no.
        No, stay with me, please.
        No transfer. Please find a way yourself.
        """
    ),
    "transferred": _forms(
        """
        Thank you, I will wait for them.
        All right, thank you.
        Okay, I'll hold.
        Thanks, I'm waiting.
        Good, thank you.
        Okay, thanks for your help so far.
        Fine, I'll wait.
        Thank you for putting me through.
        All right, I'll stay on.
        Thanks.
        Okay, I'll explain it to them.
        Very well, thank you.
        """
    ),
    "guide_me": _forms(
        """
        Yes, please give me the instructions.
        Yes, please walk me through it.
        Please tell me the steps.
        Yes, step by step would help.
        Yes, please explain how.
        Please guide me through it.
        Yes, I'd like the instructions.
        Sure, what do I have to do?
        Yes, tell me how, please.
        I'd appreciate the steps, yes.
        Yes, please show me how.
        Please do, one step at a time.
        """
    ),
    "nothing_more": _forms(
        """
        No, that is all. Thank you for your help!
        No, that was everything. Thanks a lot!
        That's all I needed. Thank you!
        Nothing else, thank you very much.
        That's it from me, thanks.
        No, I'm all set. Thanks!
        That will be all. Thank you!
        I don't need anything else. Thank you for your time.
        No more questions. Thanks for your help.
        That covers it, thank you.
        No, I have what I came for. Thanks!
        That's everything. Have a good day!
        All good now, thank you.
        """
    ),
    "nothing_more_terse": _forms(
        """
        No, that is all.
        That is all.
        That's it.
        Nothing else.
        No, thanks.
        All set.
        That's everything.
        No.
        Done here.
        Nope, that's it.
        No more.
        All good.
        """
    ),
    "wait": _forms(
        """
        Okay, thank you.
        All right, thanks.
        Sure, I will wait.
        Okay.
        Thanks for looking into it.
        Fine, take your time.
        Okay, thanks. I'm here.
        All right, I'll wait.
        Good, thank you.
        Understood, thanks.
        Alright, I'm listening.
        Okay, I see.
        """
    ),
    "wait_terse": _forms(
        """
        Okay.
        All right.
        OK.
        Fine.
        Thanks.
        Sure.
        Waiting.
        Alright.
        Understood.
        Good.
        I see.
        Okay, thanks.
        """
    ),
    "all_done": _forms(
        """
        Thank you. Has everything I asked for been taken care of now?
        Thanks. Is everything I asked for done now?
        Great. So all of it is done?
        Thank you. Is anything still open?
        Good. Was that all of it?
        Thanks. Then we are through with everything?
        Good to hear. Is there anything left to do?
        Thank you. Have you done all of it?
        Nice. Is that everything, then?
        Thanks. Do I still have to do anything?
        Perfect. Is it all settled now?
        Okay, thank you. Is the whole thing complete?
        """
    ),
    "dont_know": _forms(
        """
        I am afraid I don't know that.
        Sorry, I can't tell you that.
        I am not sure about that, sorry.
        I don't know, to be honest.
        That I don't know.
        I couldn't tell you.
        Sorry, I don't know.
        I really don't know that one.
        No idea, I'm afraid.
        I can't say, sorry.
        I'm not sure, sorry.
        You'd have to look that up, I don't know.
        """
    ),
    "dont_know_terse": _forms(
        """
        I don't know.
        No idea.
        Not sure.
        Don't know.
        Can't say.
        I'm not sure.
        No clue.
        Couldn't tell you.
        Unsure.
        I do not know.
        Sorry, no idea.
        Don't know that.
        """
    ),
    "no_preference": _forms(
        """
        I have no preference there.
        Whatever suits best, I have no preference.
        That is up to you.
        Either is fine, I have no preference.
        I don't mind, whatever suits best.
        No preference on my side.
        You choose, it's up to you.
        It does not matter to me, no preference.
        I leave that up to you.
        Any of them, I have no preference.
        I'm fine with whatever suits best.
        No preference, really.
        """
    ),
    "any_payment": _forms(
        """
        Please use the payment method you have on file.
        The payment method on file, please.
        Please use what I paid with before.
        The original payment method is fine.
        Please take the method that is on file.
        Use the one on my account, please.
        The same way I paid originally, please.
        Just use my payment method on file.
        What I used originally is fine.
        Please use the original payment method.
        The one I already used, please.
        Whichever is on file for it.
        """
    ),
    "bye": _forms(
        """
        Thank you, goodbye!
        Thanks for your help, bye!
        Goodbye, and thanks.
        Thank you! Have a nice day.
        Thanks, bye.
        Bye, and thank you.
        Thank you, take care!
        Thanks again. Goodbye.
        Have a good day. Bye!
        Many thanks, goodbye.
        You too, bye!
        Thanks a lot. Bye.
        """
    ),
    "bye_terse": _forms(
        """
        Bye.
        Thanks, bye.
        Goodbye.
        Thanks.
        Ok, bye.
        Bye then.
        Thank you.
        Cheers.
        See you.
        Okay, goodbye.
        Thx, bye.
        Good, bye.
        """
    ),
    "giving_up": _forms(
        """
        We are going round in circles, so I will leave it here. Goodbye.
        This leads nowhere. I'll leave it for today.
        I don't think we are getting any further. Goodbye.
        I'll stop here; this does not move.
        Let's leave it at that. Goodbye.
        I give up for today. Bye.
        This takes too long for me. Goodbye.
        I'll try again another time. Bye.
        We keep repeating ourselves, so I'm leaving it here.
        I'll have to leave it there. Goodbye.
        That is enough for today. Bye.
        I'm afraid this does not get me anywhere. Goodbye.
        """
    ),
    "one_more": _forms(
        """
        There is one more thing.
        One more thing.
        Actually, yes.
        Yes, there is.
        Yes, one other thing.
        Something else, yes.
        Yes, while I have you here.
        There is something else.
        Yes, I have another request.
        One other thing.
        Now that you ask:
        Yes, another matter.
        """
    ),
    "one_more_terse": _forms(
        """
        One more thing.
        Also this.
        One other thing.
        Yes.
        Something else.
        Another thing.
        And this.
        Next:
        Also:
        Plus:
        Then:
        Further:
        """
    ),
    "but_also": _forms(
        """
        Thank you. One more thing, though.
        Thanks. There is something else, though.
        Good. I also have another request.
        Okay. Then there is this.
        Thanks. Another thing:
        Great. One other matter.
        All right. There is something else.
        Thank you. While we are at it:
        Fine. And then this.
        Good, thanks. Next point.
        Okay, thanks. Also this.
        Thanks. That leaves one thing.
        """
    ),
    "did": _forms(
        """
        Done.
        Okay, I have done that.
        I have done it.
        Okay, done.
        I did that.
        That's done.
        All right, I've done it.
        Just did it.
        Okay, did it.
        I've done that now.
        There, done.
        Finished that.
        """
    ),
    "failed": _forms(
        """
        I tried that, but it did not work.
        That did not work.
        It doesn't work, I tried.
        I tried, but it did not work.
        Hmm, that did not work.
        No luck, it did not work.
        That didn't work for me.
        It did not work when I tried.
        I can't get it to work.
        Sorry, that did not work.
        Tried it, did not work.
        That does not work here.
        """
    ),
    "again": _forms(
        """
        As I said:
        Like I said:
        As mentioned:
        Once more:
        To repeat myself:
        As I told you:
        Again:
        Like I mentioned:
        I said it before:
        I'll say it again:
        As I wrote:
        To say it once more:
        """
    ),
    "sorry": _forms(
        """
        Sorry, I got that wrong before.
        Wait, I made a mistake there.
        Sorry, that was wrong.
        Oh, I mistyped that.
        I have to correct myself.
        Correction:
        Sorry, I mixed something up.
        My mistake.
        Oops, that was not right.
        Sorry, typo.
        Let me correct that.
        I misspoke.
        """
    ),
    "cannot_do": _forms(
        """
        I don't know how to do that on my side.
        I can't find a way to do that here.
        I see no way to do that myself.
        I can't do that on my end.
        I wouldn't know how to do that.
        I don't find anything like that here.
        That is nothing I can do on my side.
        I'm not able to do that here.
        I have no means to do that myself.
        I don't see how I could do that.
        I can't do that from here.
        There is no way for me to do that here.
        """
    ),
    "push_back": _forms(
        """
        That is a pity. Is there really nothing you can do?
        Is there no way around that?
        Can you please check once more?
        Are you certain that nothing can be done?
        Could you make an exception?
        I had hoped for more. Is there really no way?
        That's disappointing. Can't anything be done?
        Please try again, it matters to me.
        Surely there is something you can do?
        I really need this. Is there no other way?
        Could you look at it once more, please?
        Is that your final word? Nothing to be done?
        """
    ),
    "leave_it": _forms(
        """
        Then I will leave it as it is. Thank you.
        In that case I leave everything as it is.
        Then let's leave it. Thank you for your time.
        All right, then nothing is changed. Goodbye.
        Then I'd rather not do anything. Thanks.
        Okay, in that case I won't go on with it.
        Then I'll keep it the way it is. Thanks anyway.
        I see. Then leave everything as it stands.
        That's a pity, but then we leave it at that.
        Then there is nothing more to do. Thank you.
        Well, then I'll live with it. Goodbye.
        Understood. Then I'll let it rest. Thanks.
        """
    ),
    "remark": _forms(
        """
        Thanks for taking the time.
        It has been quite a day, I can tell you.
        I hope you are having a good day.
        Sorry if I am rambling.
        I do appreciate your patience with me.
        My neighbour says hello, by the way.
        I have just made myself a cup of tea.
        You are very kind.
        The weather is lovely here, by the way.
        I always get a person as nice as you, it seems.
        Anyway, where was I.
        I told my sister you would know what to do.
        """
    ),
}
