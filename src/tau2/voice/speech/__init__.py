"""Speech engines: text to speech, speech to text, and detection of speech."""
