"""The least that Flask can do: a route that answers what it always answers. What it costs is not the app's doing."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.post("/api/v1/predict")
def predict() -> Response:
    """Nothing is predicted."""
    return jsonify(number=1, application="", payoff_probability=0.95, prediction="paid_off", threshold=0.83)
