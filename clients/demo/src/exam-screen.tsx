/** A session being taken: the question, the way on and back, the map of all questions, and what is going on. */

import { useEffect, useRef, useState } from "react";
import type { Session } from "@tafawoq/generation-client";
import { HandInDialog, LeaveDialog } from "./ending";
import { ProblemNotice, useNow } from "./notices";
import { QuestionCard } from "./question-card";
import { sentenceOf, type Kind, type Live } from "./service";
import { SECTIONS, TRACKS, clock, numeral } from "./words";

const EXAM_MS = 120 * 60_000;

interface ExamScreenProps {
  kind: Kind;
  live: Live;
  session: Session;
  onLeave: () => void;
}

export function ExamScreen({ kind, live, session, onLeave }: ExamScreenProps) {
  const [asking, setAsking] = useState<"leave" | "hand-in" | "time-over">();
  const [isMapOpen, setMapOpen] = useState(false);
  const top = useRef<HTMLHeadingElement>(null);
  const { index, question, problem, total } = live;
  const isFirstView = useRef(true);
  useEffect(() => {
    if (isFirstView.current) isFirstView.current = false;
    else top.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [index]);

  return (
    <div className="exam">
      <header className="bar">
        <div className="bar-in">
          <button className="ghost" onClick={() => setAsking("leave")}>خروج</button>
          <p className="title">
            {kind === "exams" ? `اختبار القدرات، ${TRACKS[session.track]}` : `تدريب، ${SECTIONS[session.section ?? "verbal"]}`}
          </p>
          <Timer kind={kind} since={session.createdAt} onOver={() => setAsking("time-over")} />
          <button onClick={() => setAsking("hand-in")}>تسليم</button>
        </div>
        <Ready live={live} />
      </header>
      <main>
        <h1 ref={top} tabIndex={-1} className="place">
          السؤال {numeral(index + 1)} <span className="quiet">من {numeral(total)}</span>
        </h1>
        {problem && <ProblemNotice text={sentenceOf(problem.error)} retryAt={problem.retryAt} onRetry={problem.retry} />}
        {question === undefined ? (
          <Writing index={index} />
        ) : (
          <QuestionCard
            key={question.id}
            question={question}
            chosen={live.answers.get(index)}
            onChoose={(choice) => live.answer(index, choice)}
          />
        )}
      </main>
      <aside>
        <button className="ghost map-switch" aria-expanded={isMapOpen} aria-controls="map" onClick={() => setMapOpen(!isMapOpen)}>
          {isMapOpen ? "أخفِ الأسئلة" : "كل الأسئلة"}
        </button>
        <QuestionMap live={live} isOpen={isMapOpen} onGo={() => setMapOpen(false)} />
        <Activity live={live} />
      </aside>
      <nav className="moves" aria-label="التنقل بين الأسئلة">
        <button disabled={index === 0} onClick={() => live.goTo(index - 1)}>السابق</button>
        {index < total - 1 ? (
          <button className="primary" onClick={() => live.goTo(index + 1)}>التالي</button>
        ) : (
          <button className="primary" onClick={() => setAsking("hand-in")}>تسليم الإجابات</button>
        )}
      </nav>
      {asking === "leave" && <LeaveDialog live={live} onStay={() => setAsking(undefined)} onLeave={onLeave} />}
      {(asking === "hand-in" || asking === "time-over") && (
        <HandInDialog
          title={asking === "time-over" ? "انتهى وقت الاختبار" : "تسليم الإجابات؟"}
          kind={kind}
          id={session.id}
          live={live}
          onStay={() => setAsking(undefined)}
        />
      )}
    </div>
  );
}

/** Counts down in an exam and up in practice. The time runs on while the page is closed. */
function Timer({ kind, since, onOver }: { kind: Kind; since: string; onOver: () => void }) {
  const spent = Math.max(0, useNow() - Date.parse(since));
  const left = Math.max(0, EXAM_MS - spent);
  const isOver = kind === "exams" && left === 0;
  useEffect(() => {
    if (isOver) onOver();
  }, [isOver]);
  const shown = clock((kind === "exams" ? left : spent) / 1000);
  return (
    <p className="timer" role="timer" aria-label={kind === "exams" ? "الوقت المتبقي" : "الوقت المنقضي"}>
      {shown}
    </p>
  );
}

/** How many questions are written, and how many of these are answered. */
function Ready({ live: { questions, answers, total } }: { live: Live }) {
  return (
    <div className="ready">
      <progress className="written" value={questions.size} max={total} aria-label="الأسئلة المكتوبة" />
      <progress className="answered" value={answers.size} max={total} aria-label="الأسئلة المُجابة" />
    </div>
  );
}

function Writing({ index }: { index: number }) {
  return (
    <div className="card writing">
      <p>نكتب السؤال {numeral(index + 1)} الآن…</p>
      <div className="lines" aria-hidden="true"><i /><i /><i /><i /></div>
    </div>
  );
}

interface QuestionMapProps {
  live: Live;
  isOpen: boolean;
  onGo: () => void;
}

function QuestionMap({ live, isOpen, onGo }: QuestionMapProps) {
  return (
    <ol id="map" className="map" data-open={isOpen} aria-label="كل الأسئلة">
      {Array.from({ length: live.total }, (_, at) => {
        const [isWritten, isAnswered] = [live.questions.has(at), live.answers.has(at)];
        const state = !isWritten ? "لم يُكتب بعد" : isAnswered ? "مُجاب" : "بلا إجابة";
        return (
          <li key={at}>
            <button
              disabled={!isWritten}
              data-answered={isAnswered}
              aria-current={at === live.index ? "step" : undefined}
              aria-label={`السؤال ${numeral(at + 1)}، ${state}`}
              onClick={() => {
                onGo();
                live.goTo(at);
              }}
            >
              {numeral(at + 1)}
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** What the service is doing, in one sentence; screen readers hear it. */
function Activity({ live }: { live: Live }) {
  const written = `كُتب ${numeral(live.questions.size)} من ${numeral(live.total)} سؤالًا، وأجبت عن ${numeral(live.answers.size)}.`;
  return (
    <div className="activity" data-connection={live.connection}>
      <p role="status">{activity(live)}</p>
      <p className="quiet">{written}</p>
    </div>
  );
}

function activity({ connection, isWaiting, prefetching }: Live): string {
  if (connection === "lost") return "انقطع الاتصال، ونعيد المحاولة. إجاباتك محفوظة.";
  if (isWaiting) return "نكتب السؤال التالي، لحظات…";
  if (prefetching !== undefined) return "تُكتب الأسئلة القادمة قبل أن تصل إليها.";
  return "كل شيء محفوظ.";
}
