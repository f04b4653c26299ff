/** One session: while it is taken, when it is over, and when it cannot be shown. */

import { useSession } from "@tafawoq/generation-client/react";
import { ExamScreen } from "./exam-screen";
import { ProblemNotice } from "./notices";
import { ResultScreen } from "./result-screen";
import { client, sentenceOf, type Kind } from "./service";

interface SessionScreenProps {
  kind: Kind;
  id: string;
  onLeave: () => void;
}

export function SessionScreen({ kind, id, onLeave }: SessionScreenProps) {
  const live = useSession(client[kind], id);
  const { session, problem, status } = live;
  if (session === undefined)
    return (
      <Message title="نفتح جلستك…" onLeave={onLeave}>
        {problem && <ProblemNotice text={sentenceOf(problem.error)} retryAt={problem.retryAt} onRetry={problem.retry} />}
      </Message>
    );
  if (status === "completed") return <ResultScreen kind={kind} live={live} id={id} onLeave={onLeave} />;
  if (status === "abandoned") return <Message title="أُلغيت هذه الجلسة." onLeave={onLeave} />;
  return <ExamScreen kind={kind} live={live} session={session} onLeave={onLeave} />;
}

function Message({ title, onLeave, children }: { title: string; onLeave: () => void; children?: React.ReactNode }) {
  return (
    <main className="start">
      <section className="card">
        <h1>{title}</h1>
        {children}
        <button onClick={onLeave}>إلى الصفحة الأولى</button>
      </section>
    </main>
  );
}
