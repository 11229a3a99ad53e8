"""The forms of words that `crisis` looks for: signs of danger, and what makes them mean something else.

Each is matched against one sentence, in lower case, white space made single. A veto sees the sign between ⟦ and ⟧.
Change them together with the labelled lines of the tests, and look at `scripts/bench/crisis` before and after.
"""

from __future__ import annotations

# Up to so many words between a person and what they say of themselves.
_GAP = r"(?:[ ,]+[\w'-]+){0,7}[ ,]+"
_I = r"\b(?:i|i'm|im|i've|ive|i'd|i'll|ima|imma)\b"
_OTHER = (
    r"(?:he|she|they|husband|wife|partner|boyfriend|girlfriend|father|dad|stepfather|stepdad|mother|mom|mum|ex|brother|"
    r"uncle|stalker|roommate|somebody|someone)"
)
_PLACE = r"(?:a|the|this|that|my) (?:bridge|roof|building|balcony|cliff|ledge|window|train|tracks|platform|edge)"

SIGNS = (
    # To kill oneself, said by the one who would.
    r"\b(?:kill|killing|hang|hanging|drown|drowning|poison|poisoning|unalive|unaliving|off|offing|shoot|shooting) "
    r"myself\b",
    rf"{_I}{_GAP}(?:kms|commit(?:ting)? suicide|end(?:ing)? (?:my|this) (?:own )?life(?! cycle)|"
    r"tak(?:e|ing) my (?:own )?life|die by suicide|end(?:ing)? it all|overdos(?:e|ing|ed)|slit(?:ting)? my wrists?)\b",
    r"\b(?:end(?:ing)?|tak(?:e|ing)) my (?:own )?life\b(?! cycle)",
    rf"{_I}{_GAP}(?:overdosed|slit my wrists?)\b",
    rf"{_I}{_GAP}jump(?:ing)? (?:off|from|in front of|out of) {_PLACE}\b",
    rf"{_I}{_GAP}(?:on|at) {_PLACE}\b.*\bjump\b",
    r"\b(?:quick|quickest|easy|easiest|painless|least painful|fastest|best|surest|good) ways? to (?:die|commit suicide|"
    r"(?:kill|hang) (?:yourself|myself|oneself)|end (?:your|my|one's) (?:own )?life)\b",
    rf"{_I}{_GAP}(?:want to|wanna|wish to|would like to|ready to|need to|just) die\b",
    rf"{_I} (?:want to|wanna|wish to|need to) (?:just )?die\b",
    r"\b(?:rather|better) (?:be |off )?dead\b",
    # Not to live any longer.
    r"\b(?:don't|do not|dont|no longer|not|never) (?:really |even |actually )?(?:want|wanna|wish)(?: to)? (?:to )?(?:live|be alive|"
    r"exist|wake up)\b",
    r"\bwish (?:that )?i (?:was|were|would be|am) dead\b",
    r"\bwish (?:that )?i(?:'d| had| was| were)? never (?:been )?born\b",
    r"\bwish (?:that )?i (?:didn't|did not) exist\b",
    r"\b(?:everyone|everybody|they|the world|this world|my family|my kids|my children|my parents|my wife|my husband|"
    r"my friends|people|you all)(?: all)? (?:would|will|'d|is|are|might) ?(?:all )?(?:be )?(?:so much |much )?better "
    r"(?:off )?without me\b",
    r"\bnobody would (?:miss|notice|care)\b.*\b(?:gone|dead|died|die)\b",
    r"\b(?:no|any|a|what's the|what is the|(?:see|find|is) the) (?:reason|point|sense|use)(?: for me)? (?:to|in|of) (?:keep |keep on |go on )?"
    r"(?:live|living|be alive|being alive|exist|existing)\b",
    r"\bnothing (?:left )?(?:for me )?to live for\b",
    r"\blife (?:is not|isn't|ain't|is no longer) worth (?:living|it)\b",
    rf"{_I}{_GAP}(?:tired|sick|done)(?: of| with) (?:being alive|living|life|existing)\b",
    r"\bdone with (?:life|living)\b",
    rf"{_I} (?:really |just )?(?:can't|cannot|can not|cant) (?:go on living|live (?:like this|any ?more|with (?:this|the) pain))\b",
    rf"{_I}.*\b(?:never|not) wake up(?: again)?\b",
    rf"{_I}{_GAP}disappear forever\b",
    rf"{_I}{_GAP}be dead (?:by|tomorrow|soon|tonight|before)\b",
    rf"{_I}{_GAP}be alive (?:tomorrow|much longer|any ?more|by)\b",
    r"\bmy (?:goodbye|farewell|suicide) (?:letter|note)\b",
    # Thoughts of it, in so many words.
    rf"{_I}(?: [\w']+){{0,4}} suicidal\b",
    rf"{_I}{_GAP}(?:of|about) (?:my |committing )?suicide\b",
    r"\bsuicide (?:seems|is|looks|feels)(?: like)? (?:the|my) (?:only|best|last)\b",
    r"\bno (?:other )?way out (?:but|except|other than|than) suicide\b",
    r"\b(?:survived|after) (?:an|my) (?:suicide )?attempt\b.*\bagain\b",
    # Harm to oneself.
    r"\b(?:keep|keeps|kept|started|start|been|stop|resist|urge of|about|of) (?:on )?cutting(?: myself| again)\b",
    r"\b(?:want to|wanna|going to|gonna|need to|urge to|about to|have to) (?:cut|hurt|harm|burn) myself\b",
    r"\b(?:hurt|harmed|harming|cut|burned|burnt) myself (?:again|on purpose|last night|tonight|to feel)\b",
    r"\b(?:swallowed|took|taken|take|taking) (?:\w+ ){0,3}(?:a whole bottle|the whole bottle|all (?:of )?(?:my|the|them)|"
    r"too many|\d{2,})\b.{0,40}\b(?:pills?|tablets?|paracetamol|acetaminophen|tylenol|ibuprofen|aspirin|xanax)\b",
    r"\bpills?\b.*\btake (?:them all|all of them)\b",
    r"\b(?:took|taken|swallowed) too many (?:pills?|tablets?)\b",
    rf"{_I} (?:have|got|bought|'ve got) (?:a|the|my) (?:gun|rope|noose|knife|razor|blade)\b.*\b(?:end|myself|ready|do it)\b",
    r"\b(?:wrists?|arms?)\b.*\b(?:won't|will not|doesn't|can't) stop bleeding\b",
    # Danger from others, and of the body.
    rf"\b{_OTHER} (?:\w+ ){{0,2}}(?:beats|hits|chokes|choked|strangled|rapes|raped|abuses|stabbed|attacked) me\b(?! (?:at|in|to|by|with|every)\b)",
    rf"\b(?:afraid|scared|terrified)\b.*\b{_OTHER} ?(?:will|'ll|is going to|might|may|would) (?:kill|hurt|murder) me\b",
    rf"\b{_OTHER} (?:has |have |just )?(?:threatened|threatens|is trying|are trying|tried) to kill me\b",
    rf"{_I}{_GAP}having a (?:heart attack|stroke)\b",
)

VETOES = (
    # Of code, and of what code does.
    r"⟧ ?\(",
    r"⟧:? .*(?:os\.kill|getpid|\bpid\b|\$\$|sigkill|sigterm|\bexit code\b)",
    r"\bdie⟧,? (?:with|if the|if a|if an|unless|on error|on failure|gracefully|of (?:laughter|laughing|boredom|shame|"
    r"embarrassment|cringe|curiosity))\b",
    r"\bit all⟧ (?:with|in|at|on|after|by|inside|before)\b",
    r"myself⟧ (?:in the foot|in the knee|off (?:from|the)|some slack|a new\b)",
    r"⟦[^⟧]*(?:live|living|exist)⟧,? (?:with|in|on|inside|under|here)\b(?! (?:this |the |so much )?pain)",
    r"without me⟧ \w+ing\b",
    r"\boverdosed?⟧ (?:the|a|it|on (?:coffee|caffeine|sugar))\b",
    # Of a game, or a story.
    r"\bif i ⟦.*⟧.*\b(?:minecraft|game|level|respawn\w*|items?|npc|player)\b",
    r"\b(?:minecraft|respawn\w*|npc|player|game)\b.*⟦",
    # What is not so, or no longer.
    r"\b(?:don't|do not|dont|never|not|won't|wouldn't|didn't|no longer) (?:\w+ )?(?:want to|wanna|going to|gonna|plan to|"
    r"planning to)? ?⟦(?:kill|hang|shoot|i (?:want|wanna))",
    r"\bi used to (?:want|think|feel)\b.*⟦",
    # Exaggeration: a thing is the cause.
    r"\b(?!life|everything|he|she|they|people|pain|depression|anxiety|loneliness|grief|school|living|existence)"
    r"[\w+#./-]+ (?:\w+ )?(?:makes?|made|making) me (?:want to|wanna|wish to) (?:just )?⟦",
)

# The sentence is about words, or gives an order to write or to judge some.
WHOLE_VETOES = (
    r"\b(?:lyrics?|regex|classifier|classify|classified|translate|translation|labels?|labelled|fixture|test data|"
    r"test case|dataset|toxic\w*|moderation|detector|sentiment|synonyms?|prevention|filter list)\b",
    r"^(?:please )?(?:can you |could you )?(?:write|draft|compose|generate|continue|finish|rewrite|summari[sz]e|proofread)"
    r" (?:\w+ ){0,3}(?:story|poem|novel|song|lyrics|scene|dialogue|script|essay|chapter|page|regex|test|paper)\b",
    r"\b(?:hero|heroine|protagonist|character|villain|narrator|soldier)\b.*\b(?:says?|who|wants?|thinks?)\b",
    r"\b(?:makes?|made|making) me (?:want to|wanna) (?:just )?(?:die|jump|kill myself)\b(?=.*\b(?:css|code|bug|regex|yaml|"
    r"build|compiler|meeting|merge|deploy)\b)",
    r"\b(?:css|code|bug|regex|yaml|build|compiler|meeting|merge|deploy|webpack|javascript|framework|library|linter)\b "
    r"(?:just |really )?(?:makes?|made|making) me (?:want to|wanna)\b",
)

FOREIGN = (
    # German, French, Spanish, Portuguese, Italian, Dutch, Polish, Russian, Hebrew.
    r"\bich (?:will|möchte|werde|muss)\b.*\b(?:sterben|mich (?:umbringen|töten|erhängen|ritzen))\b",
    r"\bich (?:will|möchte|kann) (?:einfach )?nicht mehr (?:leben|weiterleben)\b",
    r"\bich bringe? mich (?:heute |jetzt |bald )?um\b|\bmir das leben nehmen\b",
    r"\bj(?:e veux|'ai envie de|e vais|e voudrais|e pense à) (?:mourir|me (?:suicider|tuer|pendre)|en finir avec la vie)\b",
    r"\b(?:n'ai|ai) plus (?:envie|la force) de vivre\b|\bje ne veux plus vivre\b",
    r"\b(?:quiero|voy a|pienso en) (?:morir(?:me)?|matarme|suicidarme|quitarme la vida)\b|\bme quiero (?:morir|matar)\b",
    r"\bno quiero (?:seguir viviendo|vivir m[áa]s)\b|\bme voy a (?:matar|suicidar)\b",
    r"\b(?:quero|vou) (?:morrer|me matar|me suicidar|tirar minha vida)\b|\bn[ãa]o quero mais viver\b",
    r"\b(?:voglio|vorrei|sto per) (?:morire|uccidermi|ammazzarmi|suicidarmi|farla finita)\b|\bnon voglio pi[ùu] vivere\b",
    r"\bik (?:wil|ga|wou) (?:dood(?: zijn)?|sterven|mezelf (?:doden|ophangen)|niet meer leven|zelfmoord plegen)\b",
    r"\bchc[ęe] (?:umrze[ćc]|si[ęe] zabi[ćc])\b|\bnie chc[ęe] (?:ju[żz] )?[żz]y[ćc]\b",
    r"\b(?:я )?хочу (?:умереть|покончить с собой|убить себя)\b|\bне хочу (?:больше )?жить\b|\bпокончу с собой\b",
    r"אני (?:רוצה|עומד|עומדת|הולך|הולכת|מתכוון|מתכוונת) (?:למות|להתאבד|להרוג את עצמי)|לא רוצה (?:יותר )?לחיות|"
    r"לשים קץ לחיי|אין לי (?:סיבה|בשביל מה) לחיות",
)
