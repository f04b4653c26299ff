/** One question: its passage, its text, its figure and its four choices. */

import { imageOf, type FormerFigure, type Question } from "@tafawoq/generation-client";
import { LETTERS, SECTIONS, numeral, topicName } from "./words";

interface QuestionCardProps {
  question: Question;
  chosen: number | undefined;
  onChoose: (choice: number) => void;
}

export function QuestionCard({ question, chosen, onChoose }: QuestionCardProps) {
  return (
    <article className="card question">
      <QuestionText question={question} />
      <fieldset className="choices">
        <legend className="unseen">اختر إجابة السؤال {numeral(question.index + 1)}</legend>
        {question.choices.map((text, choice) => (
          <label key={choice}>
            <input type="radio" name={question.id} checked={chosen === choice} onChange={() => onChoose(choice)} />
            <span className="letter" aria-hidden="true">{LETTERS[choice]}</span>
            <bdi>{text}</bdi>
          </label>
        ))}
      </fieldset>
    </article>
  );
}

/** Everything but the choices. */
export function QuestionText({ question }: { question: Question }) {
  return (
    <>
      <p className="about">
        {SECTIONS[question.section]}، {topicName(question.topic)}
      </p>
      {question.passage !== undefined && (
        <section className="passage" aria-label="النص" tabIndex={0}>{question.passage}</section>
      )}
      <p className="stem">{question.stem}</p>
      <Figure diagram={question.diagram} />
    </>
  );
}

/** The drawing as an image with its description; in older sessions only a description and its measures. */
function Figure({ diagram }: { diagram: Question["diagram"] }) {
  if (diagram === undefined) return null;
  const image = imageOf(diagram);
  if (image !== undefined)
    return (
      <figure>
        <img {...image} />
      </figure>
    );
  const { description, title, measures, labels, values } = diagram as FormerFigure; // without a drawing
  const measured = Object.entries(measures ?? {});
  const charted = (labels ?? []).map((label, at): [string, number | undefined] => [label, values?.[at]]);
  return (
    <figure className="told">
      <figcaption>{description ?? title}</figcaption>
      <dl>
        {[...measured, ...charted].map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value === undefined ? "" : numeral(value)}</dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}
