"""People's inboxes, background jobs and the clock: what happens after a change."""
