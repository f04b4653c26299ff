"use client";

import { useState } from "react";
import { TafawoqClient, imageOf, type Question } from "@tafawoq/generation-client";
import { useSession } from "@tafawoq/generation-client/react";

const client = new TafawoqClient({ baseUrl: process.env.NEXT_PUBLIC_API! });

export default function Page() {
  const [id, setId] = useState<string>();
  const exam = useSession(client.exams, id);
  const { question, problem } = exam;
  return (
    <main>
      <button onClick={() => client.exams.create({ track: "scientific" }, { waitS: 0 }).then((made) => setId(made.id))}>ابدأ</button>
      {problem && <p role="alert">{problem.error.message}</p>}
      <h1>{exam.index + 1}</h1>
      {question && <Shown question={question} />}
      <button onClick={() => exam.goTo(exam.index + 1)}>التالي</button>
    </main>
  );
}

function Shown({ question }: { question: Question }) {
  const figure = imageOf(question.diagram);
  return (
    <article>
      <p>{question.stem}</p>
      {figure && <img {...figure} />}
      <ol>{question.choices.map((choice, at) => <li key={at}>{choice}</li>)}</ol>
    </article>
  );
}
