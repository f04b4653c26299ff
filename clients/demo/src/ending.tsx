/** The two ways out of a session: leaving it, and handing it in. Both ask first. */

import { useState } from "react";
import { Dialog, ProblemNotice } from "./notices";
import { grade, sentenceOf, type Kind, type Live } from "./service";
import { numeral } from "./words";

interface LeaveProps {
  live: Live;
  onStay: () => void;
  onLeave: () => void;
}

export function LeaveDialog({ live, onStay, onLeave }: LeaveProps) {
  const { isBusy, error, run } = useCall();
  const abandon = () => run(async () => {
    await live.cancel();
    live.forget();
    onLeave();
  });
  return (
    <Dialog title="هل تريد الخروج؟" onClose={onStay}>
      <p>إجاباتك محفوظة في هذا المتصفح، ويمكنك المتابعة لاحقًا من حيث توقفت.</p>
      {error !== undefined && <ProblemNotice text={sentenceOf(error)} onRetry={abandon} />}
      <div className="answers">
        <button className="primary" onClick={onStay}>أبقى هنا</button>
        <button onClick={onLeave}>أخرج وأتابع لاحقًا</button>
        <button className="danger" disabled={isBusy} onClick={abandon}>ألغي الجلسة نهائيًا</button>
      </div>
    </Dialog>
  );
}

interface HandInProps {
  title: string;
  kind: Kind;
  id: string;
  live: Live;
  onStay: () => void;
}

/** The event stream then says that the session is over, and the result is shown, in every tab. */
export function HandInDialog({ title, kind, id, live, onStay }: HandInProps) {
  const { isBusy, error, run } = useCall();
  const open = live.total - live.answers.size;
  const handIn = () => run(async () => void (await grade(kind, id, live.answers)));
  return (
    <Dialog title={title} onClose={onStay}>
      <p>{open === 0 ? "أجبت عن كل الأسئلة." : `الأسئلة التي بلا إجابة: ${numeral(open)}.`} بعد التسليم لا يمكن تعديل الإجابات.</p>
      {error !== undefined && <ProblemNotice text={sentenceOf(error)} onRetry={handIn} />}
      <div className="answers">
        <button className="primary" disabled={isBusy} onClick={handIn}>أسلّم الآن</button>
        <button onClick={onStay}>أعود إلى الأسئلة</button>
      </div>
    </Dialog>
  );
}

function useCall() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const run = (call: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    call().catch(setError).finally(() => setBusy(false));
  };
  return { isBusy, error, run };
}
