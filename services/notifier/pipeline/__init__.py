"""What happens to a lane's next news, as a list of stages with one method each: due → wanted? → duplicate? → hold →
render → deliver → record. Each stage goes on with what it was given, or settles it; only the last one writes."""
