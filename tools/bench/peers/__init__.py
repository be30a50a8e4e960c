"""Published keep/replace rules of others, each in our own words, to be compared with."""
