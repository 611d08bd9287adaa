"""A streamed response, to the byte."""

import re

from samovar.core import errors as tree
from samovar.core.events import Call, Delta, Event, Finish, Thought
from tests.api.conftest import Script, Served, done

THINKS_AND_CALLS: tuple[Event, ...] = (
    Thought(0, "A wo"),
    Thought(0, "rd."),
    Delta(0, "I look."),
    Call(0, 0, "call_1", "look_up", ""),
    Call(0, 0, "", "", '{"word":'),
    Call(0, 0, "", "", ' "tea"}'),
    Finish(0, "tool_calls"),
)


def script(*events: Event | tree.SamovarError | None) -> Script:
    return lambda _: [*events, done(spoken=5)]


GOLDEN = """\
event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"reasoning",\
"id":"rs_ID_0","status":"in_progress","content":[],"summary":[]}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":3,"item_id":"rs_ID_0","output_index":0,\
"content_index":0,"part":{"type":"reasoning_text","text":""}}

event: response.reasoning_text.delta
data: {"type":"response.reasoning_text.delta","sequence_number":4,"item_id":"rs_ID_0","output_index":0,\
"content_index":0,"delta":"A wo"}

event: response.reasoning_text.delta
data: {"type":"response.reasoning_text.delta","sequence_number":5,"item_id":"rs_ID_0","output_index":0,\
"content_index":0,"delta":"rd."}

event: response.reasoning_text.done
data: {"type":"response.reasoning_text.done","sequence_number":6,"item_id":"rs_ID_0","output_index":0,\
"content_index":0,"text":"A word."}

event: response.content_part.done
data: {"type":"response.content_part.done","sequence_number":7,"item_id":"rs_ID_0","output_index":0,\
"content_index":0,"part":{"type":"reasoning_text","text":"A word."}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":8,"output_index":0,"item":{"type":"reasoning",\
"id":"rs_ID_0","status":"completed","content":[{"type":"reasoning_text","text":"A word."}],"summary":[]}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":9,"output_index":1,"item":{"type":"message",\
"id":"msg_ID_1","status":"in_progress","content":[],"role":"assistant"}}

event: response.content_part.added
data: {"type":"response.content_part.added","sequence_number":10,"item_id":"msg_ID_1","output_index":1,\
"content_index":0,"part":{"type":"output_text","text":"","logprobs":[],"annotations":[]}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","sequence_number":11,"item_id":"msg_ID_1","output_index":1,\
"content_index":0,"delta":"I look.","logprobs":[]}

event: response.output_text.done
data: {"type":"response.output_text.done","sequence_number":12,"item_id":"msg_ID_1","output_index":1,\
"content_index":0,"text":"I look.","logprobs":[]}

event: response.content_part.done
data: {"type":"response.content_part.done","sequence_number":13,"item_id":"msg_ID_1","output_index":1,\
"content_index":0,"part":{"type":"output_text","text":"I look.","logprobs":[],"annotations":[]}}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":14,"output_index":1,"item":{"type":"message",\
"id":"msg_ID_1","status":"completed","content":[{"type":"output_text","text":"I look.","logprobs":[],\
"annotations":[]}],"role":"assistant"}}

event: response.output_item.added
data: {"type":"response.output_item.added","sequence_number":15,"output_index":2,\
"item":{"type":"function_call","id":"fc_ID_2","status":"in_progress","call_id":"call_1","name":"look_up",\
"arguments":""}}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":16,"item_id":"fc_ID_2",\
"output_index":2,"delta":"{\\"word\\":"}

event: response.function_call_arguments.delta
data: {"type":"response.function_call_arguments.delta","sequence_number":17,"item_id":"fc_ID_2",\
"output_index":2,"delta":" \\"tea\\"}"}

event: response.function_call_arguments.done
data: {"type":"response.function_call_arguments.done","sequence_number":18,"item_id":"fc_ID_2",\
"output_index":2,"name":"look_up","arguments":"{\\"word\\": \\"tea\\"}"}

event: response.output_item.done
data: {"type":"response.output_item.done","sequence_number":19,"output_index":2,"item":{"type":"function_call",\
"id":"fc_ID_2","status":"completed","call_id":"call_1","name":"look_up","arguments":"{\\"word\\": \\"tea\\"}"}}
"""

REPEATED = (
    '"instructions":null,"max_output_tokens":null,"metadata":{},"parallel_tool_calls":true,'
    '"previous_response_id":null,"reasoning":{"effort":null,"summary":null},"store":true,"temperature":null,'
    '"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":null,'
    '"truncation":"disabled","service_tier":"default","background":false}'
)

OPENING = (
    '{"id":"resp_ID","object":"response","created_at":0,"status":"in_progress","model":"little-model","output":[],'
    f'"usage":null,"error":null,"incomplete_details":null,{REPEATED}'
)


def transcript(served: Served, **body: object) -> list[str]:
    """The frames of a stream, with what differs from one to the next taken out."""
    with served.http() as client:
        reply = client.post("/v1/responses", json={"stream": True, "input": "Hello", **body})
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    raw = re.sub(r"(resp|msg|rs|fc)_[0-9a-f]{24}", r"\1_ID", reply.content.decode())
    return re.sub(r'"created_at":\d+', '"created_at":0', raw).removesuffix("\n\n").split("\n\n")


def test_a_stream_to_the_byte(served: Served) -> None:
    served.answers.script = script(*THINKS_AND_CALLS)
    created, progress, *items, completed = transcript(served)
    assert created == (
        f'event: response.created\ndata: {{"type":"response.created","sequence_number":0,"response":{OPENING}}}'
    )
    assert progress == (
        'event: response.in_progress\ndata: {"type":"response.in_progress","sequence_number":1,'
        f'"response":{OPENING}}}'
    )
    assert "\n\n".join(items) + "\n" == GOLDEN
    assert completed.startswith(
        'event: response.completed\ndata: {"type":"response.completed","sequence_number":20,'
        '"response":{"id":"resp_ID","object":"response","created_at":0,"status":"completed",'
    )
    assert completed.endswith(f"{REPEATED}}}")
