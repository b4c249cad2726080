"""What several test folders share: real services to test against, never fakes."""
