"""Who is told when a target is in danger, several circuits fail at once, or the customer asks: matrix and doors."""
