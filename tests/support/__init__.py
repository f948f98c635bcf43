"""What several test folders share: certificates made once, pairs of connections, and hostile peers."""
