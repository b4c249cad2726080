"""An app whose bindings name settings that nobody set."""

import azure.functions as func

app = func.FunctionApp()


@app.queue_trigger("msg", "%QUEUE_NAME%", "AzureWebJobsStorage")
def one(msg: func.QueueMessage) -> None: ...


@app.event_hub_message_trigger("event", "Telemetry", "hub", cardinality=func.Cardinality.ONE)
def two(event: func.EventHubEvent) -> None: ...


@app.timer_trigger("timer", "every day")
def three(timer: func.TimerRequest) -> None: ...
