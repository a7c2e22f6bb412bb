"""What hostile senders try, by area."""
