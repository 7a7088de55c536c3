"""What anybody would write in ten minutes: a semaphore over the openai client, all answers in memory."""

import asyncio
from pathlib import Path

import openai

from benchmarks.clients import MODEL, run, texts


async def ask_all(base_url: str, rows: Path, in_flight: int) -> int:
    """One task a row."""
    turn = asyncio.Semaphore(in_flight)
    async with openai.AsyncOpenAI(base_url=base_url) as client:

        async def one(text: str) -> bool:
            async with turn:
                answer = await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": text}]
                )
            return answer.choices[0].message.content == text

        return sum(await asyncio.gather(*map(one, texts(rows))))


def ask(base_url: str, rows: Path, in_flight: int) -> int:
    """In a separate event loop."""
    return asyncio.run(ask_all(base_url, rows, in_flight))


if __name__ == "__main__":
    run(ask)
