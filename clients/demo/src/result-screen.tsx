/** The result, and the review of every question with its key. */

import { useCallback, useEffect, useState } from "react";
import type { Question } from "@tafawoq/generation-client";
import { ProblemNotice } from "./notices";
import { QuestionText } from "./question-card";
import { grade, sentenceOf, type Kind, type Live, type Result, type Review } from "./service";
import { LETTERS, SECTIONS, numeral } from "./words";

interface ResultScreenProps {
  kind: Kind;
  id: string;
  live: Live;
  onLeave: () => void;
}

export function ResultScreen({ kind, id, live, onLeave }: ResultScreenProps) {
  const [result, setResult] = useState<Result>();
  const [error, setError] = useState<unknown>();
  const { answers } = live;
  const load = useCallback(() => {
    setError(undefined);
    grade(kind, id, answers).then(setResult, setError);
  }, [kind, id, answers]);
  useEffect(load, [load]);

  return (
    <main className="result">
      <h1>نتيجتك</h1>
      {error !== undefined && <ProblemNotice text={sentenceOf(error)} onRetry={load} />}
      {result === undefined ? <p role="status">نصحّح إجاباتك…</p> : <Score result={result} />}
      {result !== undefined && <ReviewList review={result.review} questions={live.questions} />}
      <button onClick={onLeave}>إلى الصفحة الأولى</button>
    </main>
  );
}

function Score({ result }: { result: Result }) {
  const percent = result.total === 0 ? 0 : Math.round((100 * result.correct) / result.total);
  return (
    <section className="card score" aria-label="الدرجة">
      <p className="percent">{numeral(percent)}<small>٪</small></p>
      <div>
        <p>
          الإجابات الصحيحة {numeral(result.correct)} من {numeral(result.total)}. أجبت عن {numeral(result.answered)}.
        </p>
        {result.sections.map(({ section, correct, total }) => (
          <label key={section} className="section-score">
            <span>{SECTIONS[section]}</span>
            <progress value={correct} max={total} />
            <span>{numeral(correct)} من {numeral(total)}</span>
          </label>
        ))}
      </div>
    </section>
  );
}

const FILTERS = {
  all: "الكل",
  wrong: "الخاطئة",
  open: "بلا إجابة",
} as const;
type Filter = keyof typeof FILTERS;

function ReviewList({ review, questions }: { review: Review[]; questions: ReadonlyMap<number, Question> }) {
  const [filter, setFilter] = useState<Filter>("all");
  const shown = review.filter((one) => isShown(one, filter));
  return (
    <section aria-labelledby="review-title">
      <h2 id="review-title">مراجعة الأسئلة</h2>
      <fieldset className="filters">
        <legend className="unseen">ما يُعرض</legend>
        <div className="chips">
          {(Object.keys(FILTERS) as Filter[]).map((name) => (
            <label key={name}>
              <input type="radio" name="filter" checked={filter === name} onChange={() => setFilter(name)} />
              <span>{FILTERS[name]} ({numeral(review.filter((one) => isShown(one, name)).length)})</span>
            </label>
          ))}
        </div>
      </fieldset>
      {shown.length === 0 && <p className="quiet">لا أسئلة هنا.</p>}
      {shown.map((one) => {
        const question = questions.get(one.index);
        return question && <Reviewed key={one.index} review={one} question={question} />;
      })}
    </section>
  );
}

function isShown({ chosen, answerIndex }: Review, filter: Filter): boolean {
  if (filter === "open") return chosen === null;
  return filter === "all" || (chosen !== null && chosen !== answerIndex);
}

function Reviewed({ review, question }: { review: Review; question: Question }) {
  const { chosen, answerIndex } = review;
  const verdict = chosen === null ? "بلا إجابة" : chosen === answerIndex ? "صحيحة" : "خاطئة";
  return (
    <details className="card reviewed" data-verdict={chosen === null ? "open" : chosen === answerIndex ? "right" : "wrong"}>
      <summary>
        <span className="verdict">{verdict}</span>
        <span>السؤال {numeral(review.index + 1)}</span>
        <span className="quiet short">{question.stem}</span>
      </summary>
      <QuestionText question={question} />
      <ol className="choices">
        {question.choices.map((text, choice) => (
          <li key={choice} data-key={choice === answerIndex} data-chosen={choice === chosen}>
            <span className="letter" aria-hidden="true">{LETTERS[choice]}</span>
            <bdi>{text}</bdi>
            <span className="mark">{choice === answerIndex ? "الإجابة الصحيحة" : choice === chosen ? "إجابتك" : ""}</span>
          </li>
        ))}
      </ol>
      <p className="explanation"><b>الحل: </b>{review.explanation}</p>
      {review.solvingStrategy && <p className="explanation"><b>طريقة الحل: </b>{review.solvingStrategy}</p>}
      {review.tip && <p className="explanation"><b>تذكّر: </b>{review.tip}</p>}
    </details>
  );
}
