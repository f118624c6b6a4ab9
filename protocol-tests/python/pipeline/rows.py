"""Synthetic rows of the three tables, with the dirt that the real ones have."""

import random
import uuid

CATEGORIES = ["art", "beauty", "christmas", "diy-and-crafts", "education", "event-planning", "finance", "home-decor",
              "mens-fashion", "quotes", "tattoos", "travel", "vehicles"]
FOLLOWERS = ["0", "124k", "5M", "User Info Error"]
TEXTS = ["No Title Data Available", "Zwölf Gärten", "口紅 \U0001F484", 'said "so"\\', "tab\there", "a</b> & c"]


def pin(draw, index):
    """A row of `pinterest_data`."""
    category = draw.choice(CATEGORIES)
    return {
        "index": index,
        "unique_id": str(uuid.UUID(int=draw.getrandbits(128), version=4)),
        "title": draw.choice(TEXTS),
        "description": draw.choice(["No description available", "No description available Story format", "A text"]),
        "poster_name": draw.choice(["User Info Error", "Somebody"]),
        "follower_count": draw.choice(FOLLOWERS),
        "tag_list": draw.choice(["N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e", "one,two"]),
        "is_image_or_video": draw.choice(["image", "video", "multi-video(story page format)"]),
        "image_src": draw.choice(["Image src error.", "https://images.invalid/1.jpg"]),
        "downloaded": draw.randrange(2),
        "save_location": f"Local save in /data/{category}",
        "category": category,
    }


def geo(draw, index):
    """A row of `geolocation_data`."""
    return {
        "ind": index,
        "timestamp": f"20{draw.randrange(18, 23)}-0{draw.randrange(1, 10)}-17 09:40:01",
        "latitude": draw.uniform(-90, 90),
        "longitude": draw.uniform(-180, 180),
        "country": draw.choice(["Aruba", "Côte d'Ivoire", "Åland Islands"]),
    }


def user(draw, index):
    """A row of `user_data`."""
    return {
        "ind": index,
        "first_name": "Ada",
        "last_name": draw.choice(["Quux", "Ünal"]),
        "age": draw.randrange(18, 70),
        "date_joined": f"201{draw.randrange(5, 8)}-11-24T02:17:13",
    }


def posts(count, seed=100):
    """`count` posts: (index, {table: row}); the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(count):
        index = draw.randint(0, 11_000)
        yield {"pin": pin(draw, index), "geo": geo(draw, index), "user": user(draw, index)}
