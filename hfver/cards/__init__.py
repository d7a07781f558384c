"""Model cards: generated, and merged with what people wrote on the Hub."""
