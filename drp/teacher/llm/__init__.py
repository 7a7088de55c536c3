"""An LLM as the teacher: prompts, reply schemas, and the checks of every reply."""

from drp.teacher.llm.prompts import prompt_version
from drp.teacher.llm.request_builder import RequestBuilder
from drp.teacher.llm.teacher import LlmTeacher

__all__ = ["LlmTeacher", "RequestBuilder", "prompt_version"]
