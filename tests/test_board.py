def test_an_empty_board_tells_how_to_submit(client, quest):
    response = client.get("/")

    assert response.status_code == 200
    assert "No scores yet" in response.text
