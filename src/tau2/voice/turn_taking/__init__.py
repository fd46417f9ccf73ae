"""Who speaks when: a pure policy, and the word lists of languages."""
