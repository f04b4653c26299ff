/** The first screen: an exam, a practice session, or one that was begun before. */

import { useEffect, useState, type FormEvent } from "react";
import type { CreatePractice, SessionPage } from "@tafawoq/generation-client";
import { ProblemNotice } from "./notices";
import { client, creationKey, sentenceOf, type Kind } from "./service";
import { DIFFICULTIES, SECTIONS, TOPICS, TRACKS, numeral } from "./words";

type Track = keyof typeof TRACKS;
type Section = keyof typeof SECTIONS;

interface Begun {
  kind: Kind;
  session: SessionPage["sessions"][number];
}

export function StartScreen({ onOpen }: { onOpen: (kind: Kind, id: string) => void }) {
  const [isStarting, setStarting] = useState(false);
  const [failed, setFailed] = useState<{ error: unknown; retry: () => void }>();

  async function start(kind: Kind, create: (options: { waitS: 0; idempotencyKey: string }) => Promise<{ id: string }>) {
    setStarting(true);
    setFailed(undefined);
    try {
      const { id } = await create({ waitS: 0, idempotencyKey: creationKey.read() });
      creationKey.used();
      onOpen(kind, id);
    } catch (error) {
      setStarting(false);
      setFailed({ error, retry: () => void start(kind, create) });
    }
  }

  return (
    <main className="start">
      <header className="welcome">
        <p className="brand">تفوّق</p>
        <h1>اختبار القدرات</h1>
        <p>تُكتب الأسئلة وأنت تقرأ، وتُحفظ إجاباتك أولًا بأول.</p>
      </header>
      {failed && <ProblemNotice text={sentenceOf(failed.error)} onRetry={failed.retry} />}
      <BegunList onOpen={onOpen} />
      <ExamChoice isDisabled={isStarting} onStart={(track) => start("exams", (how) => client.exams.create({ track }, how))} />
      <PracticeForm
        isDisabled={isStarting}
        onStart={(wanted) => start("practice", (how) => client.practice.create(wanted, how))}
      />
      <p role="status" className="quiet">{isStarting ? "نُجهّز جلستك…" : ""}</p>
    </main>
  );
}

function ExamChoice({ isDisabled, onStart }: { isDisabled: boolean; onStart: (track: Track) => void }) {
  return (
    <section className="card" aria-labelledby="exam-title">
      <h2 id="exam-title">اختبار كامل</h2>
      <p className="quiet">{numeral(96)} سؤالًا في {numeral(120)} دقيقة، كمي ثم لفظي.</p>
      <div className="pair">
        {(Object.keys(TRACKS) as Track[]).map((track) => (
          <button key={track} className="primary" disabled={isDisabled} onClick={() => onStart(track)}>
            {TRACKS[track]}
          </button>
        ))}
      </div>
    </section>
  );
}

function PracticeForm({ isDisabled, onStart }: { isDisabled: boolean; onStart: (wanted: CreatePractice) => void }) {
  const [section, setSection] = useState<Section>("quantitative");
  const [chosen, setChosen] = useState<readonly string[]>(["algebra", "geometry"]);
  const topics = Object.entries(TOPICS[section]);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const categories = chosen.filter((topic) => topic in TOPICS[section]);
    const difficulty = String(fields.get("difficulty"));
    onStart({ section, categories, difficulty, questionCount: Number(fields.get("count")) } as CreatePractice);
  }

  return (
    <form className="card" onSubmit={submit} aria-labelledby="practice-title">
      <h2 id="practice-title">تدريب قصير</h2>
      <Options name="section" legend="القسم" values={SECTIONS} chosen={section} onChoose={(next) => {
        setSection(next);
        setChosen(Object.keys(TOPICS[next]).slice(0, 2));
      }} />
      <fieldset>
        <legend>الموضوعات</legend>
        <div className="chips">
          {topics.map(([topic, name]) => (
            <label key={topic}>
              <input
                type="checkbox"
                checked={chosen.includes(topic)}
                onChange={({ target }) => setChosen(target.checked ? [...chosen, topic] : chosen.filter((one) => one !== topic))}
              />
              <span>{name}</span>
            </label>
          ))}
        </div>
      </fieldset>
      <Options name="difficulty" legend="الصعوبة" values={DIFFICULTIES} />
      <Options name="count" legend="عدد الأسئلة" values={{ 5: numeral(5), 10: numeral(10), 20: numeral(20) }} />
      <button className="primary" disabled={isDisabled || !chosen.some((topic) => topic in TOPICS[section])}>
        ابدأ التدريب
      </button>
    </form>
  );
}

interface OptionsProps<Value extends string | number> {
  name: string;
  legend: string;
  values: Record<Value, string>;
  chosen?: Value;
  onChoose?: (value: Value) => void;
}

/** Radio buttons as chips. Without `chosen` the form keeps the value, the first at the beginning. */
function Options<Value extends string | number>({ name, legend, values, chosen, onChoose }: OptionsProps<Value>) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      <div className="chips">
        {(Object.entries(values) as [Value, string][]).map(([value, label], at) => (
          <label key={value}>
            <input
              type="radio"
              name={name}
              value={value}
              {...(chosen === undefined ? { defaultChecked: at === 0 } : { checked: value === chosen, onChange: () => onChoose?.(value) })}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Sessions that the student can continue. Silent when there are none, or when the list cannot be read. */
function BegunList({ onOpen }: { onOpen: (kind: Kind, id: string) => void }) {
  const [begun, setBegun] = useState<Begun[]>([]);
  useEffect(() => {
    let isShown = true;
    void Promise.all(
      (["exams", "practice"] as const).map(async (kind) =>
        (await client[kind].list({ limit: 5 })).sessions.map((session) => ({ kind, session })),
      ),
    ).then(
      (lists) => isShown && setBegun(newest(lists.flat())),
      () => undefined,
    );
    return () => {
      isShown = false;
    };
  }, []);
  if (begun.length === 0) return null;
  return (
    <section className="card" aria-labelledby="begun-title">
      <h2 id="begun-title">تابِع ما بدأته</h2>
      <ul className="plain">
        {begun.map(({ kind, session }) => (
          <li key={session.id}>
            <button className="row" onClick={() => onOpen(kind, session.id)}>
              <span>{kind === "exams" ? `اختبار، ${TRACKS[session.track]}` : `تدريب، ${SECTIONS[session.section ?? "verbal"]}`}</span>
              <span className="quiet">{begunAt(session.createdAt)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function newest(sessions: Begun[]): Begun[] {
  const running = sessions.filter(({ session }) => session.status === "in_progress");
  return running.sort((one, other) => other.session.createdAt.localeCompare(one.session.createdAt)).slice(0, 3);
}

function begunAt(moment: string): string {
  return new Date(moment).toLocaleString("ar-u-nu-arab-ca-gregory", { dateStyle: "medium", timeStyle: "short" });
}
