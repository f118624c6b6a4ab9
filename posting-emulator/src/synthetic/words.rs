//! What titles, descriptions, tags and account names are made of. The texts hold what breaks naive
//! readers: quotes of both kinds, commas, backslashes, line breaks, emoji, joined emoji, scripts
//! from right to left, combining marks, characters beyond the basic plane.

/// A category and the vocabulary of its pins.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) name: &'static str,
    pub(super) subjects: &'static [&'static str],
    pub(super) tags: &'static [&'static str],
}

#[rustfmt::skip] // one word a line would be ten pages
pub(super) const CATEGORIES: [Category; 13] = [
    Category {
        name: "art",
        subjects: &["Watercolour Birds", "Acrylic Pour Landscapes", "Charcoal Portraits", "Linocut Prints", "Gouache Botanicals", "Abstract Line Drawings", "Paper Collage Faces"],
        tags: &["Art Drawings", "Watercolor Art", "Painting Inspiration", "Art Sketchbook", "Canvas Painting", "Art Journal", "Drawing Tips"],
    },
    Category {
        name: "beauty",
        subjects: &["Glowing Skin Routines", "Short Curly Haircuts", "Natural Nail Designs", "Winter Lip Care", "Braided Hairstyles", "Everyday Make-up Looks"],
        tags: &["Skin Care", "Nail Art", "Hair Care Routine", "Beauty Tips", "Makeup Ideas", "Natural Hair"],
    },
    Category {
        name: "christmas",
        subjects: &["Felt Tree Ornaments", "Advent Calendars", "Gingerbread Houses", "Front Door Wreaths", "Stocking Fillers", "Paper Star Garlands"],
        tags: &["Christmas Decor", "Christmas Crafts", "Diy Christmas Gifts", "Xmas", "Noel Christmas", "Winter Decorations", "Holiday Baking"],
    },
    Category {
        name: "diy-and-crafts",
        subjects: &["Macramé Plant Hangers", "Toddler Crafts", "Upcycled Denim Bags", "Painted Rocks", "Mason Jar Lanterns", "Crochet Blankets"],
        tags: &["Diy Crafts", "Crafts For Kids", "Easy Crafts", "Handmade Gifts", "Paper Crafts", "Yarn Crafts"],
    },
    Category {
        name: "education",
        subjects: &["Phonics Games", "Fractions Worksheets", "Classroom Reading Corners", "Study Timetables", "Science Experiments", "Vocabulary Cards"],
        tags: &["Education", "Teaching", "Learning Activities", "Study Tips", "Classroom Ideas", "Kindergarten"],
    },
    Category {
        name: "event-planning",
        subjects: &["Wedding Seating Charts", "Garden Party Menus", "Baby Shower Games", "Outdoor Ceremony Arches", "Retirement Parties", "Conference Checklists"],
        tags: &["Event Planning", "Party Ideas", "Wedding Checklist", "Event Decor", "Table Settings", "Corporate Events"],
    },
    Category {
        name: "finance",
        subjects: &["Weekly Budget Sheets", "Emergency Funds", "No-Spend Months", "Pension Basics", "Side Incomes", "Debt Snowballs"],
        tags: &["Finance Tips", "Saving Money", "Budgeting", "Money Management", "Personal Finance", "Investing"],
    },
    Category {
        name: "home-decor",
        subjects: &["Small Living Rooms", "Farmhouse Kitchens", "Floating Shelves", "Rattan Lamps", "Gallery Walls", "Sage Green Bedrooms"],
        tags: &["Home Decor", "Living Room Decor", "Interior Design", "Kitchen Ideas", "Decor Inspiration", "Cozy House", "Home Living"],
    },
    Category {
        name: "mens-fashion",
        subjects: &["Linen Summer Suits", "Layered Winter Coats", "Minimal Sneakers", "Denim on Denim", "Business Casual Outfits", "Vintage Watches"],
        tags: &["Mens Fashion Casual", "Mens Outfits", "Street Style", "Men Style Tips", "Suit Fashion", "Mens Clothing Styles"],
    },
    Category {
        name: "quotes",
        subjects: &["Monday Motivation", "Quotes About Rain", "Words on Patience", "Short Quotes for Teams", "Sayings My Grandmother Used", "Lines for a Birthday Card"],
        tags: &["Quotes", "Inspirational Quotes", "Words Of Wisdom", "Quotes To Live By", "Positive Quotes", "Mottos"],
    },
    Category {
        name: "tattoos",
        subjects: &["Fine Line Flowers", "Forearm Compasses", "Matching Sibling Tattoos", "Blackwork Moths", "Tiny Ankle Stars", "Geometric Sleeves"],
        tags: &["Tattoos", "Tattoo Designs", "Small Tattoos", "Tattoo Ideas", "Ink", "Body Art"],
    },
    Category {
        name: "travel",
        subjects: &["Lisbon in Three Days", "Night Trains through the Alps", "Packing for Iceland", "Quiet Greek Islands", "Road Trips in Patagonia", "Tea Houses of Kyōto"],
        tags: &["Travel", "Travel Destinations", "Places To Visit", "Travel Photography", "Bucket List", "Travel Tips", "Beautiful Places"],
    },
    Category {
        name: "vehicles",
        subjects: &["Restored Camper Vans", "Classic Roadsters", "Electric Cargo Bikes", "Café Racers", "Off-Road Trucks", "Vintage Tractors"],
        tags: &["Vehicles", "Cars", "Motorcycles", "Camper Van Conversion", "Classic Cars", "Electric Car"],
    },
];

#[rustfmt::skip]
pub(super) const TITLES: [&str; 20] = [
    "{n} {s} to Try This Weekend",
    "{s}: {n} Ideas Worth Saving",
    "The Only Guide to {s} You'll Ever Need",
    "{s} for Beginners",
    "How I Learned to Love {s}",
    "{s} - Before & After",
    "{n} \"Secret\" Tips for {s}",
    "Don't Make These {n} Mistakes with {s}",
    "{s} ✨ {n} Easy Steps",
    "{s} | Free Printable",
    "🎄❤️ {s} We Can't Stop Looking At",
    "{s}\u{a0}– My Honest Review",
    "{s} — what nobody tells you…",
    "Idées: {s} à petit prix",
    "{s} für Anfänger: {n} schöne Beispiele",
    "{s} 👩‍🎨 by a real artist",
    "{s}\nPart {n}",
    "初心者のための {s}",
    "{s} – أفكار بسيطة",
    "{s} (100% cotton, 50\\50 blends and more)",
];

#[rustfmt::skip]
pub(super) const SENTENCES: [&str; 22] = [
    "{s} don't have to be expensive, and these examples show it.",
    "Save this for later and share it with somebody who needs it!",
    "Everything here can be done in an afternoon with what is already in the house.",
    "I asked ten friends what they think of {s}; their answers surprised me.",
    "Click through for the full list, the materials and the steps.",
    "My favourite is the third one: simple, cheap, \"wow\".",
    "It's all about the details, isn't it?",
    "What you need: scissors, glue, 2 m of string; patience helps.",
    "Follow along for more {s} every week 💫",
    "Très simple, très joli, et ça coûte moins de 5 €.",
    "Perfect for rainy days ☔ and slow Sundays.",
    "Tested by a family of five (and one very curious cat 🐈‍⬛).",
    "The file is in C:\\Users\\Public\\Downloads, if you wonder where it went.",
    "Größe und Farbe lassen sich leicht ändern.",
    "Rated 4.8/5 by over 1,200 readers.",
    "Новые идеи каждую неделю.",
    "簡単で安い、そしてかわいい。",
    "{s}: <b>bold</b> choices & quiet ones.",
    "Use the code 'SPRING' for the pattern; it's free until Friday.",
    "A little maths: 𝑎² + 𝑏² = 𝑐² decides where the beams go.",
    "Cafe\u{301} colours, warm light, no clutter.",
    "\tIndented on purpose, like the recipe card it comes from.",
];

/// What stands between two sentences.
pub(super) const JOINTS: [&str; 5] = [" ", " ", " ", "\n", "\r\n\r\n"];

#[rustfmt::skip]
pub(super) const BLOG_THEMES: [&str; 16] = [
    "Slow Living", "Paper & Glue", "Budget Kitchen", "Little Atelier", "Wild Garden", "Happy Classroom", "Wanderlust", "Modern Homestead",
    "Bright Ideas", "Quiet Corner", "Sunday Sewing", "Open Road", "Tiny House", "Good Advice", "Studio Blue", "Everyday Style",
];

pub(super) const EMOJI: [&str; 8] = ["🌿", "✈️", "💛", "🧵", "🏡", "🎨", "🐝", "🚐"];

#[rustfmt::skip]
pub(super) const WORLD_POSTERS: [&str; 10] = [
    "Atelier Café Crème", "Łąka i Las", "Señora Manualidades", "Schöner Basteln", "手作りの庭", "집꾸미기 노트", "مطبخ أمي", "Ιδέες για το σπίτι", "Дом и сад", "Åse Ødegård",
];
