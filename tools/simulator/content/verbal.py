"""Verbal questions of one sentence or a few words: analogy, completion, context error, odd word, vocabulary."""

from __future__ import annotations

from tools.simulator.content.draft import Draft
from tools.simulator.content.scene import Scene, data


def analogy(scene: Scene) -> Draft:
    """A pair of the wanted relation; the key is another pair of it, the rest are pairs of other relations."""
    relations: dict[str, str] = data("relations")
    names = list(relations)
    relation = scene.wanted.subtopic if scene.wanted.subtopic in relations else scene.by_slot(names)
    pairs = relations[relation].split()
    asked, key = scene.fresh(f"relation {relation}", pairs), scene.fresh(f"relation {relation}", pairs)
    others = scene.rng.sample([name for name in names if name != relation], 3)
    wrong = tuple(_pair(scene.choose(*relations[name].split())) for name in others)
    first, second = asked.split(":")
    working = (
        f"العلاقة بين «{first}» و«{second}» هي {relation}: ننظر ماذا تفعل الأولى بالثانية أو ما صلتها بها، ثم نبحث عن الصلة نفسها بالترتيب نفسه. "
        f"والزوج «{_pair(key)}» يحمل العلاقة ذاتها، أما بقية الأزواج فعلاقاتها {'، و'.join(others)}."
    )
    return Draft(_pair(asked), _pair(key), wrong, working)


def completion(scene: Scene) -> Draft:
    sentence, answer, wrong = _row(scene, "completions", "فراغان" in scene.wanted.subtopic)
    end = "" if sentence.endswith("...") else "."
    stem = f"{_said(scene)} {sentence}{end}"
    blanks = "الفراغين" if "-" in answer else "الفراغ"
    working = f"قرائن الجملة هي التي تحدد {blanks}: نقرأ ما قبله وما بعده ونسأل أي معنى يصل بينهما. ما يستقيم به المعنى هو «{answer}»، وما عداه يناقض القرينة أو ينقطع عنها."
    return Draft(stem, answer, _phrases(wrong, answer), working, sentence=sentence)


def context_error(scene: Scene) -> Draft:
    sentence, answer, others = scene.fresh("errors", data("errors"))
    stem = f"{_said(scene)} {sentence}. أي الكلمات لا تناسب سياق الجملة؟"
    working = f"نقرأ الجملة كاملة ونوازن بين أولها وآخرها: كلمة «{answer}» تناقض ما تدل عليه بقية القرائن، ولو وُضع ضدها لاستقام المعنى، أما الكلمات الأخرى فمنسجمة بعضها مع بعض."
    return Draft(stem, answer, tuple(others.split()), working, sentence=sentence)


def odd_word(scene: Scene) -> Draft:
    groups: list[list[str]] = data("odd_words")
    home = groups.index(scene.fresh("odd words", groups))
    away = (home + scene.rng.randrange(1, len(groups))) % len(groups)
    (name, words), (other, strangers) = groups[home], groups[away]
    wrong = scene.rng.sample([word for word in words.split() if word not in strangers.split()], 3)
    answer = scene.choose(*[word for word in strangers.split() if word not in words.split()])
    stem = scene.by_turn(
        (
            f"كتب {scene.name} أربع كلمات على بطاقات {scene.item} في {scene.place}. أي كلمة لا تنتمي إلى مجموعة البقية؟",
            f"في لعبة لغوية نظمها {scene.name} {scene.day} قرب {scene.place} ظهرت أربع كلمات. ما الكلمة المختلفة؟",
            f"طلب {scene.name} من {scene.second} أن يستبعد من لوحة {scene.place} كلمة لا تجانس غيرها. ما هي؟",
            f"رتب {scene.name} كلماته في صناديق {scene.item} بحسب معانيها، فوجد {scene.day} كلمة في غير صندوقها. أيها هي؟",
        ),
        1,
    )
    working = f"ثلاث كلمات من باب {name}، وهي {'، و'.join(wrong)}، أما «{answer}» فمن باب {other}. نبحث دائمًا عن الصفة التي تجمع ثلاثًا منها ثم نستبعد ما لا يشاركها."
    return Draft(stem, answer, tuple(wrong), working)


def vocabulary(scene: Scene) -> Draft:
    word, sentence, synonym, wrong, antonym = scene.fresh("vocabulary", data("vocabulary"))
    opposite = "الضد" in scene.wanted.subtopic
    asked, answer = ("ضد", antonym) if opposite else ("معنى", synonym)
    distractors = _phrases(wrong, synonym)[:2] + ((synonym,) if opposite else (antonym,))
    said = sentence.replace("{w}", word)
    stem = f"{_said(scene)} {said}. ما {asked} كلمة «{word}» في هذا السياق؟"
    working = f"السياق يدل على أن «{word}» هنا بمعنى «{synonym}»، وضدها «{antonym}». نختبر كل خيار بوضعه مكان الكلمة، فما حفظ المعنى المطلوب فهو {asked} الكلمة، وهو «{answer}»."
    return Draft(stem, answer, distractors, working, sentence=said)


def _row(scene: Scene, name: str, two_blanks: bool) -> tuple[str, str, str]:
    rows = [row for row in data(name) if ("-" in row[1]) == two_blanks]
    sentence, answer, wrong = scene.fresh(f"{name}, two blanks: {two_blanks}", rows)
    return sentence, answer, wrong


def _said(scene: Scene) -> str:
    """Who says the sentence, and where: keeps two uses of one sentence apart."""
    return scene.by_turn(
        (
            f"كتب {scene.name} في صحيفة {scene.place}:",
            f"قال الأستاذ {scene.name} {scene.day} في مجلس {scene.place}:",
            f"جاء في رسالة بعثها {scene.name} إلى {scene.second} من {scene.city}:",
            f"نقش {scene.name} على لوحة {scene.item} في {scene.place}:",
            f"قرأ {scene.name} في كتاب قديم من {scene.city}:",
            f"ختم {scene.name} حديثه في {scene.place} عن {scene.item} بقوله:",
            f"علّق {scene.second} على مقالة {scene.name} المنشورة {scene.day} فقال:",
        ),
        1,
    )


def _pair(text: str) -> str:
    return text.replace(":", " : ")


def _phrases(words: str, like: str) -> tuple[str, ...]:
    """Phrases of as many words as the key has."""
    parts, size = words.split(), len(like.split())
    return tuple(" ".join(parts[i : i + size]) for i in range(0, len(parts), size))
