"""What the Event Hub stream says: records decoded, given to their nodes, judged."""
