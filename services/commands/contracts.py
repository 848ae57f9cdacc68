"""`vrc asyncapi`: what is on Kafka's topics, as a document that other systems' tools read."""

import click


def add_to(group: click.Group) -> None:
    @group.command("asyncapi")
    def asyncapi() -> None:
        """What is on Kafka's topics, as an AsyncAPI document; a running center has it at /asyncapi.json."""
        from shared.web.app import asyncapi_json

        click.echo(asyncapi_json())
