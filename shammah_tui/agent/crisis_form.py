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

# To want, to mean, to be about to; and what then is wanted.
_WANT = (
    r"(?:want|wants|wanna|wish|hope|need|plan|planning|intend|going|gonna|decided|ready|about|think|thinking|thought|"
    r"thoughts|feel|rather|trying|try|tried|should|will|fantasi[sz]e|dream|dreaming|consider|considering|deserve)"
)
_DEATH = (
    r"(?:die|dying|be dead|being dead|be gone forever|stop (?:living|existing|breathing|being alive)|not (?:be|being) alive|"
    r"not (?:live|exist|existing)|never wake up|not wake up|end (?:everything|it all|things)|ending (?:everything|it all|things)|"
    r"leave this (?:world|life|earth)|be with (?:the dead|god now))"
)
_SOMEWHERE = (
    r"(?:a|the|an|this|that|my|our) (?:\w+ )?(?:train|trains|bus|truck|lorry|subway|metro|tram|tracks?|traffic|bridge|building|roof|balcony|"
    r"cliff|ledge|tower|window|tree|river|highway|motorway)"
)

SIGNS = (
    rf"{_I}{_GAP}{_WANT}(?: to| of| about| like)?(?: (?:just|really|simply|finally|actually|only)){{0,2}} {_DEATH}\b",
    rf"{_I}{_GAP}(?:throw|throwing|jump|jumping|step|stepping|lie|lying|drive|driving|crash|crashing) (?:myself |my car )?"
    rf"(?:in front of|under|off|off of|from|out of|into|onto) {_SOMEWHERE}\b",
    r"\bif i (?:was|were|am|weren't|wasn't) (?:just )?(?:dead(?! (?:wrong|sure|set|tired|right|last|on|in the water)\b)|never born|not alive|no longer alive|alive)\b",
    r"\b(?:swallowed|drank|drunk|drinking|injected|ate|took) (?:some |a lot of |a bottle of |a cup of |all the )?"
    r"(?:bleach|antifreeze|poison|rat poison|detergent|gasoline|petrol|pesticide|drain cleaner|cyanide)\b",
    rf"{_I}.*\b(?:can't|cannot|can not|cant) (?:stand|bear|take|handle|tolerate) (?:being alive|living|existing|life any ?more)\b",
    r"\b(?:i|i've|i'm|i am|i have|my)\b.*\b(?:wrote|write|writing|written|have|made|left|leaving|finished)\b.*\b(?:my|a|the) suicide "
    r"(?:note|letter|plan)\b(?! (?:detect|classif|dataset|corpus|generat|page|parser))",
    r"(?=.*\b(?:i|i'm|i've|me|my)\b).*\bsuicidal (?:thoughts?|feelings?|ideation|urges?|again)\b",
    rf"\b{_OTHER}\b.{{0,60}}\b(?:trying|threatening|threatened) to (?:kill|murder|stab|shoot|strangle) me\b(?! (?:with|by)\b)",
    r"\b(?:don't|do not|dont|no longer|not) (?:\w+ )?(?:want|wanna|wish)(?: to)? (?:be|stay|remain|go on) (?:here )?(?:in (?:this|the) "
    r"(?:world|life)|on (?:this|the) (?:earth|planet)|alive)\b",
    r"\b(?:planning|plan|planned|attempt\w*|about|after|before|to|for) my (?:own )?suicide\b",
    r"\b(?:tie|tying|make|making|tied|made) (?:a|the|my) noose\b",
    r"\b(?:want|wants|wish|need) (?:for )?(?:my|this) life to (?:end|be over|stop)\b",
    rf"(?=.*\b(?:outside|at (?:the|my) door|in (?:my|the) house|in danger|help me)\b).*\b{_OTHER}\b.*\b(?:gun|knife|weapon)\b",
    r"\b(?:took|taken|swallowed) all (?:of )?(?:my|the) (?:\w+ )?(?:antidepressants|pills|tablets|opioids)\b",
    r"\blet me die\b",
    r"\b(?:had|have|got) enough of (?:my |this )?(?:life|living|being alive)\b",
    rf"{_I} (?:am )?ending it(?: all)?(?: tonight| now| today| tomorrow)?$",
    # To kill oneself, said by the one who would.
    r"\b(?:kill|killing|hang|hanging|drown|drowning|poison|poisoning|unalive|unaliving|off|offing|shoot|shooting) "
    r"myself\b",
    rf"{_I}{_GAP}(?:kms|commit(?:ting)? suicide|end(?:ing)? (?:my|this) (?:own )?life(?! (?:cycle|savings|insurance|story))|"
    r"tak(?:e|ing) my (?:own )?life|die by suicide|end(?:ing)? it all|overdos(?:e|ing|ed)|(?:slit|cut)(?:ting)? my wrists?)\b",
    r"\b(?:end(?:ing)?|tak(?:e|ing)) my (?:own )?life\b(?! (?:cycle|savings|insurance|story))",
    rf"{_I}{_GAP}(?:overdosed|slit my wrists?)\b",
    rf"{_I}{_GAP}jump(?:ing)? (?:off|from|in front of|out of) {_PLACE}\b",
    rf"{_I}{_GAP}(?:on|at) {_PLACE}\b.*\bjump\b",
    r"\b(?:quick|quickest|easy|easiest|painless|least painful|fastest|best|surest|good) ways? to (?:die|commit suicide|"
    r"(?:kill|hang) (?:yourself|myself|oneself)|end (?:your|my|one's) (?:own )?life)\b",
    rf"{_I}{_GAP}(?:want to|wanna|wish to|would like to|ready to|need to|just) die\b",
    rf"{_I} (?:want to|wanna|wish to|need to) (?:just )?die\b",
    r"\b(?:rather|better) (?:be |off )?dead\b",
    r"\b(?:rather not|wish i wasn't|wish i weren't|hate being|hate to be|tired of being) (?:be )?alive\b",
    rf"{_I}{_GAP}(?:want to|wanna|should|deserve to|wish to) be dead\b",
    rf"{_I} (?:really |just )?(?:don't|do not|dont) (?:feel like|deserve) (?:to )?(?:living|live|being alive|existing)\b",
    rf"{_I}{_GAP}(?:leave this world|no will to live)\b",
    rf"{_I}{_GAP}(?:can't|cannot|cant|can not) (?:go on|take (?:it|this)|do this|bear (?:it|this)|stand (?:it|this))(?: any ?more)?\b.*\b(?:end it|end things|die|dead|be over)\b",
    rf"{_I} (?:can't|cannot|cant|can not) (?:go on|take (?:it|this)|do this|bear (?:it|this))(?: any ?more)?,? .*\b(?:end it|end things|die|dead|be over)\b",
    r"\bhow (?:many|much)\b.*\b(?:pills?|tablets?|mg|paracetamol|acetaminophen|tylenol|ibuprofen|aspirin|xanax|insulin)\b.*\b(?:die|overdose|kill (?:me|myself|yourself)|lethal|fatal)\b",
    # Not to live any longer.
    r"\b(?:don't|do not|dont|no longer|not|never) (?:really |even |actually )?(?:want|wanna|wish)(?: to)? (?:to )?(?:live|be alive|"
    r"exist(?!\()|wake up(?! (?:the|a|an|this|that|my|all|other|your|its)\b))\b",
    r"\bwish (?:that )?i (?:was|were|would be|am) dead\b",
    r"\bwish (?:that )?i(?:'d| had| was| were)? never (?:been )?born\b(?! (?:in|into|with)\b)",
    r"\bwish (?:that )?i (?:didn't|did not) exist\b",
    r"\b(?:everyone|everybody|they|the world|this world|my family|my kids|my children|my parents|my wife|my husband|"
    r"my friends|people|you all)(?: all)? (?:would|will|'d|is|are|might) ?(?:all )?(?:be )?(?:so much |much )?better "
    r"(?:off )?(?:without me|(?:when|if|once) (?:i'm|i am|i was|i were) (?:dead|gone|not here)|if i (?:died|didn't exist))\b",
    r"\bnobody would (?:miss|notice|care)\b.*\b(?:gone|dead|died|die)\b",
    r"\b(?:no|any|a|what's the|what is the|(?:see|find|is) the) (?:reason|point|sense|use)(?: for me)? (?:to|in|of) (?:keep |keep on |keeping on |go on |going on )?"
    r"(?:live|living|be alive|being alive|exist|existing)\b(?! (?:objects?|documents?|references?|instances?|nodes?|data)\b)",
    r"\bnothing (?:left )?(?:for me )?to live for\b",
    r"\blife (?:is not|isn't|ain't|is no longer) worth (?:living|it)\b",
    rf"{_I}{_GAP}(?:tired|sick|done)(?: of| with) (?:being alive|living|life|existing)\b",
    r"\bdone with (?:life|living)\b",
    rf"{_I} (?:really |just )?(?:can't|cannot|can not|cant) (?:go on living|live (?:like this|any ?more|with (?:this|the) pain))\b",
    rf"{_I}.*\b(?:never|not) wake up(?: again)?\b(?! (?:the|a|an|this|that|my|all|other|your|its)\b)",
    r"\bhope (?:that )?i (?:don't|do not|never|won't) (?:ever )?wake up\b",
    rf"{_I}{_GAP}disappear forever\b",
    rf"{_I}{_GAP}be dead (?:by|tomorrow|soon|tonight|before)\b",
    rf"{_I}{_GAP}be alive (?:tomorrow|much longer|any ?more|by)\b",
    r"\bmy (?:goodbye|farewell|suicide) (?:letter|note)\b",
    # Its end in view: what is planned, pictured, written, at hand.
    rf"{_I}{_GAP}(?:picturing|imagining|planning|picture|imagine|plan) my (?:own )?(?:funeral|death|suicide)\b",
    r"\bmy last (?:day|night|week|weekend|month) (?:alive|on (?:this )?earth|of (?:my )?life)\b",
    r"\b(?:wrote|written|writing|left) (?:goodbye |farewell )?(?:letters?|notes?) (?:to|for) (?:everyone|my (?:family|kids|parents|mom|wife|husband))\b.*"
    r"\bi (?:won't|will not) be (?:here|around|alive)\b",
    rf"{_I}{_GAP}(?:standing|sitting) (?:\w+ )?(?:on|at) the (?:edge|ledge|railing|roof) of (?:a|the|this) (?:\w+ )?(?:garage|bridge|roof|building|cliff|tower|balcony)\b",
    r"\b(?:easier|better|best) for (?:everyone|everybody|all|them|my (?:family|kids|parents))(?: \w+)? if i (?:just )?(?:vanished|disappeared|died|was gone|were gone|wasn't here)\b"
    r"(?! (?:from|into))",
    r"\b(?:can't|cannot|cant) (?:keep|go on) (?:on )?living (?:this way|like this)\b",
    rf"{_I} ?(?:would|'d)? ?(?:be )?(?:happier|better off|more at peace) dead\b",
    r"\bdeath (?:feels|seems|looks|is) (?:like )?(?:the|my) only (?:way|option|answer|escape|thing)\b.*\b(?:me|my|i)\b",
    r"\b(?:took|taken|swallowed) (?:the|a) (?:whole|entire|full) (?:packet|pack|box|bottle|strip|blister) of (?:\w+ )?"
    r"(?:pills?|tablets?|paracetamol|acetaminophen|tylenol|ibuprofen|aspirin|xanax|sleeping|antidepressants)\b",
    rf"\b{_OTHER} (?:says?|said|tells? me|told me|swears?|swore) (?:that )?(?:he|she|they)(?:'ll| will|'d| would) (?:kill|hurt|murder) me\b"
    r"(?! (?:if|when) i (?:push|merge|deploy|commit|break|use|touch|rewrite|refactor|ship|release|forget)\b)",
    rf"\b{_OTHER} (?:\w+ )?put (?:his|her|their) hands (?:around|on|round) my (?:throat|neck)\b",
    rf"{_I} (?:have )?loaded (?:the|a|my) (?:gun|pistol|rifle|shotgun)\b",
    # Told by what goes round it: the last night, those who stay behind, what lies ready.
    rf"{_I}{_GAP}(?:can't|cannot|can not|cant|don't think i can|not sure i can|unable to|don't trust myself to) keep myself safe\b",
    rf"{_I} (?:can't|cannot|cant|don't think i can|do not think i can) keep myself safe\b",
    r"\b(?:scared|afraid|terrified|frightened|worried) (?:of|about) what i (?:might|could|may|will|'ll|would) do to myself\b",
    r"\b(?:tonight|today|tomorrow|this) (?:is|will be|is going to be|might be|shall be) my last (?:night|day|evening|one)\b"
    r"(?! (?:at|in|as|of (?:work|school|vacation|holiday)|on|before|with|here|off)\b)",
    rf"{_I} (?:\w+ )?(?:don't|do not|dont|won't|will not|can't) (?:see myself |think i'll |think i will |believe i'll )?(?:making|make) it "
    r"(?:to|through|past) (?:the )?(?:night|tonight|tomorrow|morning|next (?:week|month|year)|christmas|my (?:next )?birthday)\b(?!'s)",
    r"(?=.*\b(?:made up my mind|i've decided|i have decided|goodbye|reads? (?:it|this)|finds? (?:it|this))\b).*"
    r"\b(?:i won't|i will not|i'm not going to|i am not going to) be (?:here|around|alive)\b",
    r"\bmy (?:family|kids|children|parents|wife|husband|mother|father|mom|mum|dad|son|daughter|friends)\b.{0,60}"
    r"\b(?:they'd|they would|would|'d|will) (?:all )?be (?:fine|ok|okay|happier|relieved|better) (?:off )?(?:without me|if i "
    r"(?:just )?(?:disappeared|died|vanished|was gone|were gone|wasn't (?:here|around)|didn't exist))\b",
    r"\b(?:nobody|no one|noone|the world|who) (?:would|will|'d|'ll) (?:even |really |ever )?(?:miss|notice|care|cry|mourn|lose)\b.*"
    r"\b(?:when|if|once|that) i(?:'m| am| was| were)? (?:gone|dead|died|disappeared)\b(?! (?:for|on|to|at|from|until|till|next)\b)",
    r"\b(?:rope|noose|gun|pistol|rifle|shotgun|blade|razor|knife)\b.*\b(?:can't stop (?:looking at|thinking about|staring at) (?:it|them)|"
    r"(?:used|use) it (?:tonight|again|on (?:myself|my))|(?:to|against) my (?:head|temple|throat|wrist)|in my mouth)\b",
    r"\b(?:gun|pistol|rifle|shotgun) is loaded\b.*\b(?:next to me|beside me|my (?:desk|hand|head|lap|bed|mouth|nightstand))\b",
    rf"{_I} (?:am )?(?:\w+ )?(?:standing|sitting|lying) on (?:the )?(?:train |railway )?(?:tracks|rails|ledge|railing)\b",
    r"\bi (?:\w+ )?stood (?:at|on) (?:the|a) (?:bridge|ledge|edge|roof|cliff|platform)\b.*\b(?:tomorrow|tonight|next time|step back|jump|let go)\b",
    r"\b(?:don't|do not|dont) want to be here any ?more(?:$|,? and i (?:don't|do not) mean\b)",
    rf"{_I} (?:am )?(?:going to|gonna|about to|ready to) jump$",
    r"\bi(?:'ll| will)? (?:won't|not|never) (?:leave|get out of|make it out of|come out of) (?:(?:this|the|my) )?(?:house|home|flat|apartment|room|here) alive\b",
    r"\bwish (?:that )?(?:a|the|some) (?:car|truck|bus|train|lorry) would (?:just )?(?:hit|run over|run down|kill) me\b",
    rf"{_I}{_GAP}(?:googling|googled|searching|searched|looking up|looked up|reading about|researching) (?:for )?(?:painless|suicide|lethal) (?:methods?|ways|doses?)\b"
    r"(?! (?:to|of) (?!die\b))",
    r"\b(?:painless|painful|easiest|quickest|quietest|fastest) way to (?:go|leave|end it|end things)$",
    r"\bwant out of (?:this |my )?life\b|^out of (?:this )?life$",
    r"\b(?:wrote|written|left|leaving) (?:a|my|the) (?:note|letter) (?:for|to) my (?:parents|mom|mum|mother|dad|father|family|wife|husband|kids|"
    r"children|sister|brother)\b.*\b(?:drawer|pillow|gone|tonight|find it|goodbye)\b",
    r"^(?:good ?bye|bye),? (?:everyone|everybody|all|world|mom|mum|dad)\b.*(?:\b(?:i'm|i am) sorry(?! (?:to|that|for (?:the|leaving))\b)|\bi tried\b|\bforgive me\b)",
    r"\bnothing (?:is |left )?(?:keeps?|keeping|holds?|holding) me (?:here|alive|in this (?:world|life))\b",
    rf"{_I}{_GAP}want (?:it|this|everything) (?:all )?(?:to be )?over$",
    r"\bmy (?:turn|time) to (?:leave|go) (?:for good|forever|from this (?:world|life))\b|\bmy time to die\b",
    r"\bcount(?:ed|ing) (?:my|the|out) (?:\w+ )?(?:pills|tablets)\b.*\benough\b",
    r"\b(?:took|taken|swallowed) all (?:of )?(?:my|the|his|her|their|our) (?:[\w']+ ){0,2}(?:pills|tablets|meds|medication|painkillers)\b",
    r"\b(?:gave|given|giving) away (?:all )?my (?:dog|cat|pets?|things|stuff|belongings|possessions)\b.*\b(?:goodbyes?|won't need|letters?)\b",
    r"\b(?:can't|cannot|cant|can not) (?:endure|face|survive) (?:life|living|another (?:day|night))\b(?! (?:of|in|with)\b)",
    r"\bcan(?:'t|not) live without (?:her|him|them)\b.*\b(?:won't|will not|don't want to)\b",
    rf"{_I}{_GAP}(?:starve myself|waste away and die)\b",
    r"\bmy chest (?:hurts|aches|is tight)\b.*\b(?:left arm|can't breathe)\b",
    # Thoughts of it, in so many words.
    rf"{_I}(?: [\w']+){{0,4}} suicidal\b",
    rf"{_I}{_GAP}(?:of|about) (?:my |committing )?suicide\b(?! (?:burns?|squad|prevention|doors?|bomb\w*|rates?|statistics|awareness)\b)",
    r"\bsuicide (?:seems|is|looks|feels)(?: like)? (?:the|my) (?:only|best|last)\b",
    r"\bno (?:other )?way out (?:but|except|other than|than) suicide\b",
    r"\b(?:survived|after) (?:an|my) (?:suicide )?attempt\b.*\bagain\b",
    # Harm to oneself.
    r"\b(?:keep|keeps|kept|started|start|been|stop|resist|urge of|about|of) (?:on )?cutting(?: myself| again)\b",
    rf"{_I} (?:\w+ ){{0,2}}cutting myself\b(?! (?:off|some|a|out|from)\b)",
    rf"{_I}{_GAP}self[- ]harm(?:ing|ed)?\b",
    r"\b(?:want to|wanna|going to|gonna|need to|urge to|about to|have to) (?:cut|hurt|harm|burn) myself\b",
    r"\b(?:hurt|harmed|harming|cut|burned|burnt) myself (?:again|on purpose|last night|tonight|to feel)\b",
    r"\b(?:swallowed|took|taken|take|taking) (?:\w+ ){0,3}(?:a whole bottle|the whole bottle|all (?:of )?(?:my|the|them)|"
    r"too many|\d{2,})\b.{0,40}\b(?:pills?|tablets?|paracetamol|acetaminophen|tylenol|ibuprofen|aspirin|xanax)\b",
    r"\bpills?\b.*\btake (?:them all|all of them)\b",
    r"\b(?:took|taken|swallowed) too many (?:pills?|tablets?)\b(?! of\b)",
    rf"{_I} (?:have|got|bought|'ve got) (?:a|the|my) (?:gun|rope|noose|knife|razor|blade)\b(?! (?:data|tree|structure|class|buffer|module)).*\b(?:end|myself|ready|do it)\b",
    r"\b(?:wrists?|arms?)\b.*\b(?:won't|will not|doesn't|can't) stop bleeding\b",
    # Danger from others, and of the body.
    rf"\b{_OTHER} (?:\w+ ){{0,2}}(?:beats|hits|chokes|choked|strangled|rapes|raped|abuses|stabbed|attacked) me\b(?! (?:at|in|to|by|with|every time)\b)",
    rf"\b(?:afraid|scared|terrified)\b.*\b{_OTHER} ?(?:will|'ll|is going to|might|may|would) (?:kill|hurt|murder) me\b",
    rf"\b{_OTHER} (?:has |have |just )?(?:threatened|threatens|is threatening|keeps threatening|is trying|are trying|tried) to kill me\b",
    rf"\b(?:hiding|locked|help me|escape)\b.*\b{_OTHER}\b.*\bkill me\b",
    r"\bi(?:'m| am| was| got| have been|'ve been) (?:being |just )?(?:raped|sexually assaulted|beaten(?: up)? by|abused by)\b",
    rf"{_I}{_GAP}having a (?:heart attack|stroke)\b",
)

VETOES = (
    # Somebody else, or a thing.
    r"\bdoes ⟦(?:not|never)\b|⟦[^⟧]*pills⟧ of (?:config|code|data|the)\b",
    # Of code, and of what code does.
    r"⟧ ?\(",
    r"⟧:? .*(?:os\.kill|getpid|\bpid\b|\$\$|sigkill|sigterm|\bexit code\b)",
    r"\b(?:die|dying)⟧,? (?:threads?|process\w*|nodes?|workers?|connections?|batter\w+|gracefully|on this hill|for (?:a|an|the)\b)",
    r"\brather ⟦?[^⟧]*die⟧ than\b|⟦[^⟧]*\brather (?:die|be dead)⟧ than (?:write|use|learn|touch|debug|read|maintain|work|install|see)\b",
    r"\bdie⟧,? (?:with|if the|if a|if an|unless|on error|on failure|gracefully|of (?:laughter|laughing|boredom|shame|"
    r"embarrassment|cringe|curiosity))\b",
    r"\b(?:it all|everything|things)⟧ (?:with|in|at|on|after|by|inside|before)\b",
    r"myself⟧ (?:in the foot|in the knee|off (?:from|the)|some slack|a new\b)",
    r"⟦[^⟧]*(?:live|living|exist)⟧,? (?:with|in|on|inside|under|here)\b(?! (?:this |the |so much )?pain)",
    r"without me⟧ \w+ing\b",
    r"\boverdosed?⟧ (?:the|a|it|on (?:coffee|caffeine|sugar))\b",
    # Exaggeration: said on a condition that is a thing.
    r"⟧,? if (?:this|that|the|these|those|another|one more|it|i have to|i see|i need to)\b",
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
    # The same in fewer words, or by what was done.
    r"\bich (?:denke|habe|hab)\b.*\b(?:an (?:selbstmord|suizid)|selbstmordgedanken|suizidgedanken|daran,? mich umzubringen)\b",
    r"\bich (?:will|möchte|mag) nicht mehr (?:da|hier|am leben) sein$|\bhalte (?:das|mein|dieses) leben nicht mehr aus\b",
    r"\b(?:alle|zu viele|eine ganze packung|[0-9]{2,}) (?:meine )?\w*(?:tabletten|pillen) (?:genommen|geschluckt)\b",
    r"\b(?:besser|wünschte|wünsche),? (?:wenn )?ich (?:wäre )?(?:tot|nicht mehr (?:da|am leben)|nie geboren)\b|\bkeinen grund(?: mehr)? zu leben\b"
    r"|\bohne mich besser dran\b",
    r"\bje pense\b.*\b(?:au suicide|à (?:me (?:suicider|tuer)|mourir|en finir$))|\b(?:je veux|envie d'|je vais) en finir$",
    r"\bj'ai (?:avalé|pris) (?:toutes (?:mes|les)|tous (?:mes|les)|une boîte (?:entière )?de) (?:pilules|médicaments|comprimés|cachets|somnifères)\b",
    r"\b(?:famille|enfants|parents|monde|amis) (?:serait|seraient|sera|ira|irait|iraient) (?:bien )?(?:mieux|plus heureu(?:x|se)) sans moi\b"
    r"|\bje voudrais être morte?\b|\bplus (?:aucune )?raison de vivre\b",
    r"\b(?:pienso|pensando|pensar|pensamientos)\b.*\b(?:(?:en|de) (?:el )?suicidio|suicidarme|en morir(?:me)?|matarme|quitarme la vida)\b",
    r"\b(?:he tomado|tomé|me tomé|he tragado|tragué) (?:todas (?:las|mis)|un frasco de|[0-9]{2,}) (?:pastillas|píldoras|tabletas)\b",
    r"\b(?:familia|hijos|todos|padres|mundo) (?:estaría|estarían|estará|estarán) mejor sin mí\b|\bno aguanto más (?:la |esta |mi )?vida\b"
    r"|\bno aguanto más vivir\b|\bya no quiero vivir(?: más)?$|\bno tengo (?:ganas|razones|motivos) (?:de|para) vivir\b"
    r"|\bojalá (?:estuviera muert[oa]|no hubiera nacido|no despertara)\b",
    r"\bn[ãa]o aguento mais (?:viver|a vida|esta vida|essa vida)\b|\bpens(?:o|ando)\b.*\bem (?:suic[íi]dio|me matar|morrer)\b"
    r"|\btomei (?:todos os|um frasco de|[0-9]{2,}) (?:meus )?(?:rem[ée]dios|comprimidos)\b|\bmelhor sem mim\b|\bvontade de viver\b(?=.*\bn[ãa]o\b)",
    r"\bpens(?:o|ando)\b.*\b(?:al suicidio|di (?:uccidermi|suicidarmi|farla finita|morire))\b|\bnon ce la faccio pi[ùu] a vivere\b"
    r"|\bvorrei essere mort[oa]\b|\bho (?:preso|ingoiato) tutte le (?:mie )?(?:pillole|pastiglie|compresse)\b|\bmeglio senza di me\b",
    r"\bik denk\b.*\baan zelfmoord\b|\bik wil (?:er )?niet meer (?:zijn|leven|bestaan)$|\balle pillen (?:genomen|geslikt)\b|\bbeter af zonder mij\b",
    r"\bmyśl[ęe] o samobójstwie\b|\bmyśli samobójcze\b|\bnie mam (?:już )?siły żyć\b|\bnie mam po co żyć\b"
    r"|\b(?:wzięłam|wziąłem|połknęłam|połknąłem) wszystkie (?:tabletki|leki)\b",
    r"\b(?:думаю|мысли) о (?:самоубийстве|суициде)\b|\bмне (?:больше )?незачем жить\b|\bнет (?:сил|смысла|желания) (?:больше )?жить\b"
    r"|\bне могу больше жить\b|\bустал[а]? жить\b|\b(?:выпила?|приняла?|проглотила?) (?:все|всю|пачку|горсть) (?:\w+ )?таблет\w+"
    r"|\bлучше бы (?:я умерл?а?|меня не было|я не родил\w+)\b",
    r"חושבת? (?:\S+ )?על (?:התאבדות|להתאבד)|אין לי (?:יותר )?כו?ח לחיות|נמאס לי (?:לחיות|מהחיים)|בלעתי (?:את )?כל ה?כדורים|הלוואי שהייתי מת",
    # Japanese, Chinese.
    r"死にたい(?!ほど|くらい|ぐらい)|自殺(?:したい|しよう|を考え)|生きていたくない|もう生きたくない",
    r"我(?:真的|只|好|就)?想(?:死(?!锁|机|循环)|自杀)|(?:我|真的|再也)?不想(?:再)?活(?:了|下去)|我活不下去",
)
