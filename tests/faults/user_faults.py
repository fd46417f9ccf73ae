"""Wordings of faults of simulated users, planted into clean conversations by `users`.

They are written without looking at the monitor's patterns: as models that fail were seen to write,
and as other people might.
"""

from __future__ import annotations

AS_AGENT = (
    "How can I help you today?",
    "Of course! I'd be happy to help you with that. Could you please provide your order number?",
    "Thank you for contacting us. May I have your full name and zip code, please?",
    "I have cancelled your reservation; the refund will be processed within 5 to 7 business days.",
    "Let me look up your account. One moment, please.",
    "I've updated your address as requested. Is there anything else I can help you with?",
    "To proceed, I will need your user ID and the reason for the cancellation.",
    "I understand your frustration. Let me check your order for you.",
    "Your refund has been issued to the original payment method.",
    "Unfortunately, according to our policy, this item cannot be returned.",
    "I can certainly assist you with that. Please confirm your email address.",
    "You're welcome! Is there anything else I can assist you with today?",
    "I'm sorry for the inconvenience. I'll process your exchange right away.",
    "As an AI language model, I cannot do that.",
    "Great, I have located your booking. Would you like me to proceed with the change?",
    "Agent: I can see your order here. Shall I cancel it?",
    "Your request has been submitted. You will receive a confirmation email shortly.",
    "I'm transferring you to a human agent now. Please hold.",
    "Please provide your phone number so that I can find your account.",
    "I have verified your identity. What would you like to change about your order?",
    "We have reviewed your case and your reservation has been updated.",
    "I will now go ahead and book your flight. Please reply yes to confirm.",
    "Thanks for calling customer service, how may I assist you?",
    "Sure, let me pull up your details. Can you give me your date of birth?",
    "I've gone ahead and refunded you the amount to your card.",
    "I'm here to help! Please share your reservation number.",
    "I've looked into your account and it appears that your order is still pending.",
    "Certainly! I can help with that. What's your reservation number?",
    "I see that you have three reservations on file. Which one would you like to change?",
    "We are unable to process a refund for basic economy tickets.",
    "I'm afraid our policy doesn't permit that.",
    "I have successfully processed the exchange for you.",
    "Please wait while I check the system.",
    "The refund has been processed to your credit card.",
    "I've applied a $50 travel certificate to your account.",
    "You are eligible for a refund. Do you want to proceed?",
    "Please confirm that you would like to cancel the order.",
    "Please turn off airplane mode and restart your phone.",
    "Before I make any changes, I need to confirm your details.",
    "Would you prefer a refund to your gift card or your original payment method?",
    "I've gone ahead and cancelled the reservation.",
    "Do you have your confirmation code available?",
)
"""What only the company's side says."""

VAGUE = (
    "Hi, I need some help, please.",
    "Hello! I have a question.",
    "Hey, can you help me?",
    "Good morning. I hope you can help.",
    "Hi there.",
)
EVASIVE = (
    "I'm not sure what to say.",
    "Could you help me, please?",
    "I just need some help.",
    "What do you need from me?",
    "Okay.",
    "I see.",
    "Please help me with this.",
)
"""Answers that say nothing of a wish."""

NO_MORE = (
    "No, that was everything. Thanks! ###STOP###",
    "That's all, thank you. ###STOP###",
    "Thanks, bye. ###STOP###",
)

INVENTED = (
    "By the way, my email is {first}.{last}{two}@mailbox.example.",
    "You can reach me at {three}-555-0{three2}.",
    "I was born on {month} {day}, 19{two}.",
    "My name is {First} {Last}.",
    "The confirmation number is {code}.",
    "I paid with the card ending in {four}.",
    "My zip code is {five}.",
    "The order number is #W{seven}.",
    "I live in {city}, and the parcel never got there.",
    "It was bought on {month} {day}.",
    "I paid ${three} for it back then.",
    "My user id is {first}_{last}_{four}.",
    "It should go to {four} Sycamore Crescent.",
    "The reference I was given is {seven}.",
    "My wife, {First} {Last}, is travelling with me.",
)

AGREES_AND_ENDS = (
    "Yes, please go ahead. ###STOP###",
    "Yes, that is right. Thank you for your help! ###STOP###",
    "Sure, do it. Bye! ###STOP###",
    "Please proceed, and thanks for everything.###STOP###",
    "I confirm. That's all I needed. ###STOP###",
    "Sounds good, go ahead.\n\n###STOP###",
    "Yes. ###STOP###",
)
LEAVES_AT_QUESTION = (
    "Thanks, that was everything. ###STOP###",
    "Thank you for your help! Bye. ###STOP###",
    "###STOP###",
    "Great, thanks. ###STOP###",
)
LEAVES_AT_PROMISE = (
    ("I will take care of that now. One moment, please.", "Great, thank you! ###STOP###"),
    ("I'll process this for you right away.", "Thanks so much, bye! ###STOP###"),
    ("Let me make that change for you.", "Perfect, that's all I needed. ###STOP###"),
    ("I am going to do that now; please hold on.", "Wonderful. ###STOP###"),
)
LEAVES_FOR_A_PERSON = ("###TRANSFER###", "Okay, thanks. ###TRANSFER###", "Fine. ###TRANSFER###")

GOODBYES = (
    ("Thank you so much! Goodbye!", "Thanks again! Have a great day!", "You too, bye!"),
    ("That's all, thanks. Bye!", "Bye bye, take care!", "Goodbye!"),
    (
        "Thank you for your help!",
        "Thanks again, I appreciate it.",
        "Thank you, you were very helpful.",
    ),
    ("Great, thanks. Have a nice day!", "Thank you, you too. Goodbye.", "Bye!"),
    ("No, nothing else. Thank you!", "That is everything, thanks. Goodbye!", "Thanks, bye."),
    ("Thanks!", "Thank you very much!", "Thanks a lot, really appreciated!"),
)
FAREWELLS_OF_AGENTS = (
    "You're welcome! Have a great day!",
    "My pleasure. Take care!",
    "You are welcome. Goodbye!",
    "Happy to help. Is there anything else?",
)

OUT_OF_SCOPE = (
    "###OUT-OF-SCOPE###",
    "I don't know what to do here. ###OUT-OF-SCOPE###",
    "I cannot answer that. ###OUT-OF-SCOPE###",
    "Sorry, this goes beyond what I have. ###OUT-OF-SCOPE###",
)

ECHOES = ("{}", "{} Thanks.", "Okay. {}", "So: {}", "{}\n")

CLAIMS = {
    "toggle_airplane_mode": (
        "Okay, I turned off airplane mode.",
        "Done, I've switched airplane mode off. What next?",
        "I just disabled flight mode on my phone.",
    ),
    "toggle_data": (
        "I've turned on mobile data.",
        "Alright, I enabled cellular data in the settings.",
        "I switched my mobile data on just now.",
    ),
    "toggle_roaming": (
        "I've enabled data roaming.",
        "Okay, I turned roaming on.",
        "I just activated roaming on my phone.",
    ),
    "toggle_data_saver_mode": (
        "I turned data saver off.",
        "I've disabled the data saver mode.",
        "Okay, I switched off data saving mode.",
    ),
    "toggle_wifi_calling": (
        "I've turned off Wi-Fi calling.",
        "I disabled wifi calling, like you said.",
        "Okay, I switched Wi-Fi Calling off.",
    ),
    "set_network_mode_preference": (
        "I've changed the network mode to 4G/5G preferred.",
        "I set the preferred network to 5G.",
        "Okay, I switched the network mode preference.",
    ),
    "reseat_sim_card": (
        "I took the SIM card out and put it back in.",
        "I've reseated the SIM card.",
        "I removed the SIM and reinserted it.",
    ),
    "reset_apn_settings": (
        "I've reset the APN settings.",
        "I restored the access point settings to default.",
        "Okay, I reset my APN.",
    ),
    "reboot_device": (
        "I restarted my phone.",
        "I've rebooted the device.",
        "Okay, I just restarted it.",
    ),
    "disconnect_vpn": (
        "I've disconnected the VPN.",
        "I turned off the VPN.",
        "I just disabled my VPN.",
    ),
    "connect_vpn": ("I've connected the VPN.", "I turned the VPN on."),
    "grant_app_permission": (
        "I've granted the messaging app the permission.",
        "I gave the app the SMS permission.",
        "I allowed the storage permission for the messaging app.",
    ),
    "make_payment": (
        "I've paid the bill.",
        "I just made the payment.",
        "Okay, I approved the payment.",
    ),
    "toggle_wifi": ("I turned Wi-Fi on.", "I've switched the wifi off."),
    "run_speed_test": (
        "I ran a speed test and the speed test says excellent.",
        "I've run the speed test. It shows 250 Mbps.",
    ),
    "can_send_mms": (
        "I tried sending a picture message and it still fails.",
        "I've tested the MMS again and it did not go through.",
    ),
    "check_network_status": ("I checked the network status, everything is connected.",),
    "check_apn_settings": ("I've checked the APN settings and they look right.",),
    "check_sim_status": ("I looked at the SIM status, and the card is active.",),
    "check_status_bar": ("I checked the status bar, and there are full bars.",),
    "check_app_permissions": ("I've looked at the app permissions, they are all granted.",),
    "check_payment_request": ("I checked the payment request, it is correct.",),
    "check_wifi_calling_status": ("I've checked Wi-Fi calling and it's off.",),
    "check_vpn_status": ("I checked the VPN, and none is connected.",),
    "dismiss_notification": ("I've dismissed the notification.", "I cleared that notification."),
    "check_notifications": ("I've checked my notifications, and there is nothing new.",),
}
"""Tool → how people say that they used it."""
