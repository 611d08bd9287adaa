"""What the door asks of a request, one question a file. Nothing here knows what the routes do."""
